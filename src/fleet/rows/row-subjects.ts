import { z } from 'zod';

/** Where all scorers that keep rows are asked for hits. */
export function scanSubject(prefix: string): string {
  return `${prefix}.rows.scan`;
}

/** Where one scorer is asked for a sample's bytes. */
export function bytesSubject(prefix: string, scorer: string): string {
  return `${prefix}.rows.bytes.${scorer}`;
}

/** Where scorers that keep rows say that they are there. */
export function beatSubject(prefix: string): string {
  return `${prefix}.rows.here`;
}

const BEAT = z.object({
  scorer: z.string().regex(/^[0-9a-f]{8}$/),
  rows: z.number().int().min(0),
  /** Scores made so far: what a search need not look at again. */
  mark: z.number().int().min(0),
  /** Whether samples wait to be scored under some model. */
  busy: z.boolean(),
});

/** What a scorer that keeps rows says of itself, every second. */
export type Beat = z.infer<typeof BEAT>;

export function encodeBeat(beat: Beat): string {
  return JSON.stringify(beat);
}

/** @returns undefined for what is no beat: others may send there too */
export function decodeBeat(text: string): Beat | undefined {
  try {
    return BEAT.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
