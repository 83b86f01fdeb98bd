import { Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createInflate } from 'node:zlib';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { gunzip, unzstd } from './compression.js';

/** Maximum nested encodings; more are an attack. */
const MAX_ENCODINGS = 4;

/**
 * Decodes a body's `Content-Encoding`: gzip, deflate, br and zstd, in any combination.
 *
 * @throws QuarryError `UNSUPPORTED` for another encoding, `DATA_INVALID` when the body does not have its declared
 * encoding
 */
export function decoded(
  name: string,
  encoding: string | undefined,
  body: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  const encodings = (encoding ?? '')
    .split(',')
    .map((text) => text.trim().toLowerCase())
    .filter((text) => text !== '' && text !== 'identity');
  // Some servers declare a compressed file's own format as an encoding; the file name already determines its decoding.
  if (encodings.length === 1 && isGzip(encodings[0]) && /\.t?gz$/i.test(name)) return body;
  if (encodings.length > MAX_ENCODINGS) throw unsupported(name, encoding);
  return encodings.reverse().reduce((bytes, one) => {
    if (isGzip(one)) return gunzip(name, bytes);
    if (one === 'zstd') return unzstd(name, bytes);
    if (one === 'br') return throughZlib(name, bytes, createBrotliDecompress());
    if (one === 'deflate') return throughZlib(name, bytes, createInflate());
    throw unsupported(name, encoding);
  }, body);
}

function isGzip(encoding: string | undefined): boolean {
  return encoding === 'gzip' || encoding === 'x-gzip';
}

function unsupported(name: string, encoding: string | undefined): QuarryError {
  return new QuarryError('UNSUPPORTED', `${name} is sent with the unknown encoding "${encoding}"`);
}

async function* throughZlib(
  name: string,
  pieces: AsyncIterable<Uint8Array>,
  stream: Transform,
): AsyncGenerator<Uint8Array> {
  const source = Readable.from(pieces);
  source.on('error', (error) => stream.destroy(error));
  try {
    yield* source.pipe(stream);
  } catch (error) {
    const failure = toQuarryError(error, `reading ${name}`);
    throw failure.code === 'INTERNAL'
      ? new QuarryError('DATA_INVALID', `${name} does not have its declared encoding`, { cause: error })
      : failure;
  } finally {
    source.destroy();
  }
}

/**
 * Whether a response is a web page in place of the requested file, such as a login form or landing page: an HTML
 * document at a URL that names another kind of file, or after a redirect to a login.
 *
 * @param finalUrl URL after redirects
 * @param head first bytes of the body
 */
export function isPageInstead(
  url: string,
  finalUrl: string,
  contentType: string | undefined,
  head: Uint8Array,
): boolean {
  const start = new TextDecoder('latin1').decode(head.subarray(0, 512)).replace(/^\W*/, '<');
  const html = /^text\/html\b/i.test(contentType ?? '') || /^<(?:doctype html|html)\b/i.test(start);
  if (!html) return false;
  const extension = /\.([a-z0-9]+)$/i.exec(new URL(url).pathname)?.[1]?.toLowerCase();
  if (extension !== undefined && !/^(?:x?html?|php|aspx?|jsp|cgi)$/.test(extension)) return true;
  return url !== finalUrl && /log-?in|sign-?in|\/auth|sso|consent/i.test(new URL(finalUrl).pathname);
}
