import { QuarryError } from '../errors/index.js';
import { gunzip, unzstd } from './compression.js';
import { peek } from './peek.js';

/** Maximum nested compressions; more are an attack. */
const MAX_LAYERS = 4;

/** Unsupported compression formats, recognised by their first bytes so as not to read them as text. */
const REFUSED: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
  ['7-Zip', [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]],
  ['RAR', [0x52, 0x61, 0x72, 0x21, 0x1a, 0x07]],
  ['lzip', [0x4c, 0x5a, 0x49, 0x50, 0x01]],
  ['compress', [0x1f, 0x9d]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
];

/** First bytes of a Git LFS pointer, which stands in for a file that was not fetched. */
const LFS_POINTER = [...Buffer.from('version https://git-lfs.github.com/spec/')];
/** Length of the longest of these prefixes. */
const HEAD_BYTES = LFS_POINTER.length;

/** Every bzip2 block begins with these after `BZh` and a digit; the letters alone may be text. */
const BZIP2_BLOCK = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];

/**
 * The bytes of a document whose name implies no format. gzip and Zstandard are decompressed, whatever the name.
 *
 * @throws QuarryError `DATA_INVALID` when it has an unsupported compression or is a Git LFS pointer
 */
export async function* plainDocument(
  origin: string,
  pieces: AsyncIterable<Uint8Array>,
  layers = 0,
): AsyncGenerator<Uint8Array> {
  const { head, all } = await peek(pieces, HEAD_BYTES);
  if (startsWith(head, [0x1f, 0x8b, 0x08]) || startsWith(head, [0x28, 0xb5, 0x2f, 0xfd])) {
    if (layers >= MAX_LAYERS) {
      throw new QuarryError('DATA_INVALID', `${origin} has more than ${MAX_LAYERS} layers of compression`);
    }
    const inner = head[0] === 0x1f ? gunzip(origin, all) : unzstd(origin, all);
    yield* plainDocument(origin, inner, layers + 1);
    return;
  }
  if (startsWith(head, LFS_POINTER)) {
    throw new QuarryError('DATA_INVALID', `${origin} is a Git LFS pointer, not the file that it stands for`, {
      hint: 'fetch the files: git lfs pull',
    });
  }
  const packed = REFUSED.find(([, magic]) => startsWith(head, magic))?.[0];
  if (packed !== undefined && !(packed === 'bzip2' && !startsWith(head.subarray(4), BZIP2_BLOCK))) {
    throw new QuarryError('DATA_INVALID', `${origin} is compressed with ${packed}, which is not supported`, {
      hint: 'unpack it first, or pack it with gzip or Zstandard',
    });
  }
  yield* all;
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return bytes.byteLength >= magic.length && magic.every((byte, i) => bytes[i] === byte);
}
