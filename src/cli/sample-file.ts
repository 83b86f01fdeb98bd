import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { type JoinedParts, joinParts } from '../store/index.js';
import type { ModelConfig } from '../weights/model-config.js';

/**
 * Reads a file as one sample.
 *
 * @throws QuarryError `DATA_EMPTY` when it is empty
 * @throws QuarryError `DATA_TOO_LARGE` when it has more than `maxBytes`
 * @throws QuarryError `FILE_NOT_FOUND` or `FILE_UNREADABLE` when it cannot be read
 */
export async function readSample(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    // O_NONBLOCK: opening a FIFO must not wait for a writer.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const stats = await file.stat();
      if (!stats.isFile()) {
        throw new QuarryError('FILE_UNREADABLE', `${path} is not a file`, {
          hint: 'name files one by one, and write what a pipe would give to a file first',
        });
      }
      if (stats.size === 0) {
        throw new QuarryError('DATA_EMPTY', `${path} is empty`, { hint: 'a sample needs at least one byte' });
      }
      if (stats.size > maxBytes) {
        throw new QuarryError('DATA_TOO_LARGE', `${path} has ${stats.size} bytes; at most ${maxBytes} are allowed`, {
          hint: 'cut it; quarry mine does so automatically',
          details: { path, sizeBytes: stats.size, maxBytes },
        });
      }
      return new Uint8Array(await file.readFile());
    } finally {
      await file.close();
    }
  } catch (error) {
    throw toQuarryError(error, `reading ${path}`);
  }
}

/**
 * Reads files and joins them into one composed sample.
 *
 * @throws QuarryError as {@link readSample} does for each file
 * @throws QuarryError `INVALID_ARGUMENT` or `DATA_TOO_LARGE` when they cannot be joined, see {@link joinParts}
 */
export async function readJoined(
  paths: readonly string[],
  maxBytes: number,
  config: Pick<ModelConfig, 'sequenceLength' | 'batchSize'>,
): Promise<JoinedParts> {
  const parts: Uint8Array[] = [];
  for (const path of paths) parts.push(await readSample(path, maxBytes));
  return joinParts(parts, config);
}
