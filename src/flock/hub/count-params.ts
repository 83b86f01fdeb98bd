import { isJsonObject } from '../json.js';
import type { CallOptions } from '../transport.js';
import type { HubApi } from './hub-api.js';

/** Maximum safetensors header read, bytes (the format allows 100 MB). */
const MAX_HEADER_BYTES = 100 * 1024 * 1024;
/** Models split into more files are not counted. */
const MAX_FILES = 200;

/**
 * Counts the parameters in the `.safetensors` files of a repository from their headers; undefined if one cannot be
 * read.
 *
 * @param files paths to count
 */
export async function countParams(
  api: HubApi,
  repo: string,
  revision: string,
  files: readonly string[],
  call: CallOptions = {},
): Promise<number | undefined> {
  if (files.length === 0 || files.length > MAX_FILES) return undefined;
  let total = 0;
  for (const path of files) {
    const size = await api.file(repo, revision, path, { start: 0, length: 8 }, call);
    if (size === undefined || size.length !== 8) return undefined;
    const length = Number(new DataView(size.buffer, size.byteOffset, 8).getBigUint64(0, true));
    if (length < 2 || length > MAX_HEADER_BYTES) return undefined;
    const header = await api.file(repo, revision, path, { start: 8, length }, call);
    const counted = header === undefined ? undefined : countHeader(header);
    if (counted === undefined) return undefined;
    total += counted;
  }
  return total;
}

/** Sum of the elements of all tensors; undefined if this is not a safetensors header. */
function countHeader(bytes: Uint8Array): number | undefined {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  if (!isJsonObject(header)) return undefined;
  let total = 0;
  for (const [name, tensor] of Object.entries(header)) {
    if (name === '__metadata__' || !isJsonObject(tensor) || !Array.isArray(tensor['shape'])) continue;
    total += tensor['shape'].reduce<number>((product, side) => product * Number(side), 1);
  }
  return Number.isSafeInteger(total) ? total : undefined;
}
