import { QuarryError } from '../errors/index.js';
import type { TensorDtype, TensorInfo } from './weights-file.js';

/** Bytes of the header length, a little-endian u64 at the start of the file. */
export const SAFETENSORS_PREFIX_BYTES = 8;

/** The longest header the format allows, bytes (safetensors 0.6, `MAX_HEADER_SIZE`). */
const SAFETENSORS_MAX_HEADER_BYTES = 100_000_000;

/**
 * The longest header we accept, bytes. The largest known architecture has some 400 tensors, whose names, shapes and
 * offsets take 50 KB; twenty times that leaves room for metadata and ignored tensors. Longer headers are taken for
 * attempts to exhaust the reader and refused before parsing.
 */
const LONGEST_HEADER_BYTES = 1024 * 1024;
/** Maximum nesting. Tensor entries, `{"name":{"shape":[…]}}`, are three levels deep. */
const DEEPEST = 16;

/** Element sizes, bytes, of the types that the network's loader accepts. It rejects U16 and 8-, 6- and 4-bit floats. */
export const TENSOR_DTYPE_BYTES: Readonly<Record<TensorDtype, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U8: 1,
  BOOL: 1,
};

function invalid(message: string, details: Record<string, string | number> = {}, cause?: unknown): QuarryError {
  return new QuarryError('WEIGHTS_INVALID', `not a valid safetensors file: ${message}`, {
    hint: 'The file may be truncated, still encrypted, or decrypted with the wrong key.',
    details,
    cause,
  });
}

/**
 * Reads the length prefix.
 *
 * @param prefix the first bytes of the file, at least 8 of them if the file has as many
 * @param fileBytes size of the whole file
 * @returns length of the JSON header in bytes
 * @throws QuarryError `WEIGHTS_INVALID` when the file is too short for a prefix
 * @throws QuarryError `WEIGHTS_INVALID` when the header would be longer than the format allows or than the file
 */
export function safetensorsHeaderBytes(prefix: Uint8Array, fileBytes: number): number {
  if (prefix.byteLength < SAFETENSORS_PREFIX_BYTES || fileBytes < SAFETENSORS_PREFIX_BYTES) {
    throw invalid('it is shorter than its length prefix', { fileBytes });
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength).getBigUint64(0, true);
  if (length > BigInt(SAFETENSORS_MAX_HEADER_BYTES)) {
    throw invalid('its header is longer than 100,000,000 bytes', { headerBytes: length.toString() });
  }
  if (length > BigInt(fileBytes - SAFETENSORS_PREFIX_BYTES)) {
    throw invalid('its header is longer than the file', { headerBytes: length.toString(), fileBytes });
  }
  assertParsable(Number(length));
  return Number(length);
}

/** Checks the header's size before it is read or parsed. */
function assertParsable(headerBytes: number): void {
  if (headerBytes <= LONGEST_HEADER_BYTES) return;
  throw invalid(`its header has ${headerBytes} bytes, more than any known architecture needs`, {
    headerBytes,
    most: LONGEST_HEADER_BYTES,
  });
}

/**
 * Parses and validates a header. Tensors must be contiguous from the end of the header to the end of the file, without
 * gaps or overlap. `__metadata__` is validated and ignored.
 *
 * @param header the JSON bytes between the prefix and the data
 * @param fileBytes size of the whole file
 * @returns the tensors by name, in file order
 * @throws QuarryError `WEIGHTS_INVALID` when the header breaks a rule of the format
 */
export function parseSafetensorsHeader(header: Uint8Array, fileBytes: number): Map<string, TensorInfo> {
  assertParsable(header.byteLength);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
  } catch (error) {
    throw invalid('its header is not UTF-8', {}, error);
  }
  if (!text.startsWith('{')) throw invalid('its header is not a JSON object');
  if (nestsTooDeep(header)) throw invalid(`its header nests more than ${DEEPEST} deep`);
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw invalid('its header is not JSON', {}, error);
  }
  // Parsers differ in which of two equal keys they keep, and scorers must agree on the weights.
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw invalid(`its header names "${repeated}" twice`, { key: repeated });

  const dataStart = SAFETENSORS_PREFIX_BYTES + header.byteLength;
  const tensors: TensorInfo[] = [];
  for (const [name, entry] of Object.entries(root as Record<string, unknown>)) {
    if (name === '__metadata__') checkMetadata(entry);
    else tensors.push(readEntry(name, entry, dataStart));
  }
  tensors.sort((a, b) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength);
  let end = dataStart;
  for (const tensor of tensors) {
    if (tensor.byteOffset !== end) {
      const what = tensor.byteOffset > end ? 'leaves a gap before' : 'overlaps the data before';
      throw invalid(`"${tensor.name}" ${what} its begin offset`, { tensor: tensor.name });
    }
    end += tensor.byteLength;
  }
  if (end !== fileBytes) throw invalid('its tensors do not end at the end of the file', { expected: end, fileBytes });
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}

function checkMetadata(entry: unknown): void {
  // null counts as absent (serde's Option).
  if (entry === null) return;
  if (!isRecord(entry) || Object.values(entry).some((value) => typeof value !== 'string')) {
    throw invalid('"__metadata__" is not a map of strings');
  }
}

function readEntry(name: string, entry: unknown, dataStart: number): TensorInfo {
  if (!isRecord(entry)) throw invalid(`"${name}" is not an object`, { tensor: name });
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(TENSOR_DTYPE_BYTES, dtype)) {
    const shown = typeof dtype === 'string' ? dtype.slice(0, 20) : typeof dtype;
    throw invalid(`"${name}" has the unsupported dtype ${shown}`, { tensor: name, dtype: shown });
  }
  if (!isSizes(shape)) throw invalid(`"${name}" has a shape that is not a list of sizes`, { tensor: name });
  if (!isSizes(offsets) || offsets.length !== 2) {
    throw invalid(`"${name}" has data_offsets that are not [begin, end]`, { tensor: name });
  }
  const [begin, end] = offsets as [number, number];
  if (end < begin) throw invalid(`"${name}" ends before it begins`, { tensor: name, begin, end });
  let bytes = TENSOR_DTYPE_BYTES[dtype as TensorDtype];
  // Check every partial product, as upstream does: a later zero does not excuse an overflow.
  for (const size of shape) {
    bytes *= size;
    if (!Number.isSafeInteger(bytes)) throw invalid(`"${name}" has a shape too large to count`, { tensor: name });
  }
  if (end - begin !== bytes) {
    throw invalid(`"${name}" takes ${end - begin} bytes, its shape and dtype need ${bytes}`, { tensor: name });
  }
  return { name, dtype: dtype as TensorDtype, shape, byteOffset: dataStart + begin, byteLength: bytes };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** Whether brackets outside strings nest deeper than {@link DEEPEST}. One pass, without a stack. */
function nestsTooDeep(json: Uint8Array): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (inString) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) depth--;
    if (depth > DEEPEST) return true;
  }
  return false;
}

/** The first duplicate key within any object of `json`, which must be valid JSON. */
function repeatedKey(json: string): string | undefined {
  // One entry per open bracket: the keys seen so far, or undefined for an array.
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < json.length; at++) {
    const char = json[at];
    if (char === '{') open.push(new Set());
    else if (char === '[') open.push(undefined);
    else if (char === '}' || char === ']') open.pop();
    else if (char === '"') {
      const end = stringEnd(json, at);
      let next = end;
      while (json[next] === ' ' || json[next] === '\t' || json[next] === '\n' || json[next] === '\r') next++;
      if (json[next] === ':') {
        const key = JSON.parse(json.slice(at, end)) as string;
        const keys = open.at(-1);
        if (keys?.has(key)) return key;
        keys?.add(key);
      }
      at = end - 1;
    }
  }
  return undefined;
}

/** The index after the closing quote of the string that starts at `start`. */
function stringEnd(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    if (json[at] === '\\') at++;
    else if (json[at] === '"') return at + 1;
  }
  return json.length;
}
