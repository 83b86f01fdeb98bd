import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { base58 } from '@scure/base';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { assertRegularFile } from '../files/regular-file.js';
import { createWeightsCipher } from '../native/weights-cipher.js';
import { openSafetensors } from '../weights/safetensors.js';
import type { WeightsFile } from '../weights/weights-file.js';

/**
 * Parses the key of encrypted weights, as printed by tools that read the chain. It is public once a model is revealed.
 *
 * @param text base58 or 64 hexadecimal digits of 32 bytes
 * @throws QuarryError `KEY_INVALID` when the text is neither
 */
export function weightsKey(text: string): Uint8Array {
  if (/^(?:0x)?[0-9a-fA-F]{64}$/.test(text)) return new Uint8Array(Buffer.from(text.replace(/^0x/, ''), 'hex'));
  try {
    const key = base58.decode(text);
    if (key.length === 32) return key;
  } catch {
    // Throw below instead: the decoder's message would quote the text.
  }
  throw new QuarryError('KEY_INVALID', 'the weights key is not 32 bytes in base58 or hexadecimal', {
    hint: 'copy it from: quarry models manifests ID',
  });
}

/**
 * Opens a weights file; with a key, decrypts it first into a private temporary directory, which is removed on close.
 *
 * @throws QuarryError `FILE_NOT_FOUND` or `FILE_UNREADABLE` when it cannot be read
 * @throws QuarryError `WEIGHTS_INVALID` when it is not a safetensors file, or the key is wrong
 */
export async function openLocalWeights(
  path: string,
  key: Uint8Array | undefined,
  signal: AbortSignal,
): Promise<WeightsFile> {
  if (key === undefined) {
    return openSafetensors(path, { signal }).catch((error: unknown) => {
      throw withHint(error, 'if the file is encrypted, give its key with --key');
    });
  }
  assertRegularFile(path);
  const dir = await mkdtemp(join(tmpdir(), 'quarry-weights-'));
  const remove = (): Promise<void> => rm(dir, { recursive: true, force: true });
  try {
    const plain = join(dir, 'weights.safetensors');
    const decrypt = createWeightsCipher(key);
    await pipeline(
      createReadStream(path, { highWaterMark: 1 << 20 }),
      async function* (pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) yield decrypt(piece);
      },
      createWriteStream(plain, { mode: 0o600 }),
      { signal },
    );
    const file = await openSafetensors(plain, { signal });
    return {
      path: file.path,
      checksum: file.checksum,
      byteLength: file.byteLength,
      tensors: file.tensors,
      read: (name) => file.read(name),
      close: async () => {
        await file.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw withHint(toQuarryError(error, `decrypting ${path}`), 'check that --key belongs to this file');
  }
}

/** A file that is not safetensors is most likely encrypted, or was decrypted with the wrong key. */
function withHint(error: unknown, hint: string): QuarryError {
  const failure = toQuarryError(error, 'opening the weights');
  if (failure.code !== 'WEIGHTS_INVALID') return failure;
  return new QuarryError('WEIGHTS_INVALID', failure.message, { hint, details: failure.details, cause: failure });
}
