import { QuarryError } from '../errors/index.js';
import { gunzip, unzstd } from './compression.js';
import type { DecodeOptions, RandomAccess, SourceDocument } from './contract.js';
import { readJsonLines } from './jsonl.js';
import type { OnLeftOut } from './left-out.js';
import { readParquet } from './parquet.js';
import { peek } from './peek.js';
import { plainDocument } from './plain.js';
import { readTar } from './tar.js';
import { readZip } from './zip.js';

/** A file to decode: its bytes in order and, for formats that need them, a path or random access. */
export interface FileToDecode {
  readonly name: string;
  readonly pieces: () => AsyncIterable<Uint8Array>;
  /** Path, if it is a local file. */
  readonly path?: string | undefined;
  readonly randomAccess?: (() => Promise<RandomAccess>) | undefined;
}

/** Name in lower case without URL query and fragment, which determines the format. */
function formatName(name: string): string {
  return name.toLowerCase().replace(/[?#][\s\S]*$/, '');
}

/**
 * The documents of a file, by its name: archives and datasets are opened, compressed files decompressed; anything else
 * is one document.
 *
 * @throws QuarryError `DATA_INVALID` when the content does not match the name
 */
export async function* documentsOf(
  file: FileToDecode,
  options: DecodeOptions,
  signal?: AbortSignal,
  onLeftOut?: OnLeftOut,
): AsyncGenerator<SourceDocument> {
  const name = formatName(file.name);
  if (name.endsWith('.parquet')) {
    if (file.randomAccess === undefined) throw needsFile(file.name, 'Parquet');
    yield* readParquet(file.name, await file.randomAccess(), options, signal, onLeftOut);
  } else if (name.endsWith('.zip')) {
    if (file.path === undefined) throw needsFile(file.name, 'zip');
    yield* readZip(file.name, file.path);
  } else yield* streamed(file.name, name, file.pieces(), options, onLeftOut);
}

async function* streamed(
  origin: string,
  name: string,
  pieces: AsyncIterable<Uint8Array>,
  options: DecodeOptions,
  onLeftOut?: OnLeftOut,
): AsyncGenerator<SourceDocument> {
  const inner = (suffix: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<SourceDocument> =>
    streamed(origin, name.slice(0, -suffix.length), bytes, options, onLeftOut);
  if (name.endsWith('.tgz')) yield* readTar(origin, gunzip(origin, pieces));
  else if (name.endsWith('.gz')) yield* inner('.gz', gunzip(origin, pieces));
  else if (name.endsWith('.zst')) yield* inner('.zst', unzstd(origin, pieces));
  else if (name.endsWith('.tar')) yield* readTar(origin, pieces);
  else if (name.endsWith('.jsonl') || name.endsWith('.ndjson')) {
    yield* readJsonLines(origin, pieces, options, onLeftOut);
  } else if (options.textOnly) yield* textOnly(origin, plainDocument(origin, pieces));
  else yield { origin, pieces: plainDocument(origin, pieces) };
}

/** Yields the document unless its first bytes look binary. */
async function* textOnly(origin: string, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<SourceDocument> {
  const { head, all } = await peek(pieces, 8192);
  if (head.subarray(0, 8192).includes(0)) return void (await all.return(undefined));
  yield { origin, pieces: all };
}

function needsFile(name: string, format: string): QuarryError {
  return new QuarryError('UNSUPPORTED', `${name} cannot be read as a stream: ${format} files are read from the end`, {
    hint: 'download the file first and name its path',
  });
}
