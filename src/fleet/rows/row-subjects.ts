import { z } from 'zod';

/** Subject of scan requests to all scorers that keep rows. */
export function scanSubject(prefix: string): string {
  return `${prefix}.rows.scan`;
}

/** Subject of requests to one scorer for a sample's bytes. */
export function bytesSubject(prefix: string, scorer: string): string {
  return `${prefix}.rows.bytes.${scorer}`;
}

/** Subject of heartbeats of scorers that keep rows. */
export function beatSubject(prefix: string): string {
  return `${prefix}.rows.here`;
}

const BEAT = z.object({
  scorer: z.string().regex(/^[0-9a-f]{8}$/),
  rows: z.number().int().min(0),
  /** Scores made so far; a later search can start there. */
  mark: z.number().int().min(0),
  /** Whether some sample lacks a score under some model. */
  busy: z.boolean(),
});

/** Heartbeat of a scorer that keeps rows, sent every second. */
export type Beat = z.infer<typeof BEAT>;

export function encodeBeat(beat: Beat): string {
  return JSON.stringify(beat);
}

/** @returns undefined for a malformed heartbeat: anyone on the server can publish to the subject */
export function decodeBeat(text: string): Beat | undefined {
  try {
    return BEAT.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
