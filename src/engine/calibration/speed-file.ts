import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { assertRegularFile } from '../../files/regular-file.js';
import { replaceFile } from '../../files/replace-file.js';
import { packageVersion } from '../../package/package-version.js';
import type { ModelConfig } from '../../weights/model-config.js';

/** A cached measurement of one engine. */
export interface KeptSpeed {
  readonly engine: string;
  readonly precision: string;
  /** Estimate for the whole model and all workers; absent if the engine does not support this format. */
  readonly chunksPerSecond?: number | undefined;
  /** Why the format is not supported. */
  readonly refused?: string | undefined;
}

/** Measurements for one machine, model shape and set of engines. */
export interface KeptSpeeds {
  /** Milliseconds since the Unix epoch. */
  readonly measuredAt: number;
  readonly speeds: readonly KeptSpeed[];
}

/** Version of the measurement; cached speeds of other versions are measured again. */
const FILE_VERSION = 2;
/** Maximum entries; the oldest are dropped. */
const MAX_ENTRIES = 100;

/** Cache key of everything that speeds depend on: machine, release, model shape and engines compared. */
export function speedKey(config: ModelConfig, engines: readonly string[], workers: number, threads: number): string {
  const processors = cpus();
  return JSON.stringify([
    processors[0]?.model.trim() ?? 'unknown',
    processors.length,
    `${process.platform}-${process.arch}`,
    packageVersion(),
    [config.embeddingDim, config.numHeads, config.numLayers, config.hiddenDim, config.vocabSize, config.sequenceLength],
    engines,
    workers,
    threads,
  ]);
}

/** Reads the speeds cached under a key. A missing or damaged file counts as empty. */
export async function readSpeeds(file: string, key: string): Promise<KeptSpeeds | undefined> {
  return (await readEntries(file)).get(key);
}

/**
 * Caches speeds under a key, keeping those of other keys.
 *
 * @throws QuarryError `DISK_FULL` or `FILE_UNREADABLE` when the file cannot be written
 */
export async function writeSpeeds(file: string, key: string, kept: KeptSpeeds): Promise<void> {
  const entries = await readEntries(file);
  entries.set(key, kept);
  const newest = [...entries].sort(([, a], [, b]) => b.measuredAt - a.measuredAt).slice(0, MAX_ENTRIES);
  const text = `${JSON.stringify({ version: FILE_VERSION, entries: Object.fromEntries(newest) }, null, 2)}\n`;
  await replaceFile(file, text, { mode: 0o666 });
}

async function readEntries(file: string): Promise<Map<string, KeptSpeeds>> {
  const found = new Map<string, KeptSpeeds>();
  let content: unknown;
  try {
    assertRegularFile(file);
    content = JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return found;
  }
  if (!isRecord(content) || content['version'] !== FILE_VERSION || !isRecord(content['entries'])) return found;
  for (const [key, value] of Object.entries(content['entries'])) if (isKept(value)) found.set(key, value);
  return found;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isKept(value: unknown): value is KeptSpeeds {
  return (
    isRecord(value) &&
    typeof value['measuredAt'] === 'number' &&
    Array.isArray(value['speeds']) &&
    value['speeds'].every(
      (speed) =>
        isRecord(speed) &&
        typeof speed['engine'] === 'string' &&
        typeof speed['precision'] === 'string' &&
        (typeof speed['chunksPerSecond'] === 'number'
          ? speed['chunksPerSecond'] > 0
          : typeof speed['refused'] === 'string'),
    )
  );
}
