import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { bytesToHex } from '@noble/hashes/utils.js';
import { QuarryError, throwIfAborted, toQuarryError } from '../errors/index.js';
import { assertRegularFile } from '../files/regular-file.js';
import { blake2b256, createBlake2b256 } from '../native/blake2b.js';
import { tensorToF32 } from './safetensors-convert.js';
import { parseSafetensorsHeader, SAFETENSORS_PREFIX_BYTES, safetensorsHeaderBytes } from './safetensors-header.js';
import type { TensorInfo, WeightsFile } from './weights-file.js';

/** Bytes per read call: Node refuses more than 2 GiB, and smaller reads react faster to a signal. */
const READ_BYTES = 64 * 1024 * 1024;

/** Options of {@link openSafetensors}. */
export interface OpenSafetensorsOptions {
  /** Weights identity, if known. Default: BLAKE2b-256 of the file, which reads all of it. */
  readonly checksum?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a decrypted safetensors file. Reads the header; tensors are read on demand.
 *
 * @throws QuarryError `FILE_NOT_FOUND` or `FILE_UNREADABLE` when the file cannot be read
 * @throws QuarryError `WEIGHTS_INVALID` when it breaks a rule of the container
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function openSafetensors(path: string, options: OpenSafetensorsOptions = {}): Promise<WeightsFile> {
  let file: FileHandle | undefined;
  try {
    assertRegularFile(path);
    file = await open(path, 'r');
    const byteLength = (await file.stat()).size;
    const prefix = await readAt(file, 0, Math.min(SAFETENSORS_PREFIX_BYTES, byteLength));
    const headerBytes = safetensorsHeaderBytes(prefix, byteLength);
    const tensors = parseSafetensorsHeader(await readAt(file, SAFETENSORS_PREFIX_BYTES, headerBytes), byteLength);
    const checksum = options.checksum ?? (await hashFile(path, options.signal));
    const handle = file;
    return {
      path,
      checksum,
      byteLength,
      tensors,
      async read(name) {
        const tensor = find(tensors, name);
        try {
          return tensorToF32(await readAt(handle, tensor.byteOffset, tensor.byteLength), tensor.dtype);
        } catch (error) {
          throw toQuarryError(error, `reading tensor "${name}"`);
        }
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await file?.close();
    throw toQuarryError(error, `opening weight file ${path}`);
  }
}

/**
 * Opens a safetensors file held in memory. The bytes must not change while it is in use.
 *
 * @throws QuarryError `WEIGHTS_INVALID` when it breaks a rule of the container
 */
export function safetensorsFromBytes(
  bytes: Uint8Array,
  options: { readonly checksum?: string | undefined } = {},
): WeightsFile {
  const headerBytes = safetensorsHeaderBytes(bytes, bytes.byteLength);
  const header = bytes.subarray(SAFETENSORS_PREFIX_BYTES, SAFETENSORS_PREFIX_BYTES + headerBytes);
  const tensors = parseSafetensorsHeader(header, bytes.byteLength);
  return {
    path: undefined,
    checksum: options.checksum ?? bytesToHex(blake2b256(bytes)),
    byteLength: bytes.byteLength,
    tensors,
    async read(name) {
      const tensor = find(tensors, name);
      // Return a copy, so that callers cannot modify the weights.
      return tensorToF32(bytes.slice(tensor.byteOffset, tensor.byteOffset + tensor.byteLength), tensor.dtype);
    },
    async close() {},
  };
}

function find(tensors: ReadonlyMap<string, TensorInfo>, name: string): TensorInfo {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new QuarryError('WEIGHTS_INVALID', `weight file has no tensor "${name}"`);
  return tensor;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, Math.min(READ_BYTES, length - done), position + done);
    if (bytesRead === 0) throw new QuarryError('WEIGHTS_INVALID', 'weight file became shorter while it was read');
    done += bytesRead;
  }
  return bytes;
}

async function hashFile(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createBlake2b256();
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    throwIfAborted(signal, 'hashing weights');
    hash.update(chunk as Uint8Array);
  }
  return bytesToHex(hash.digest());
}
