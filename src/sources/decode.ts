import { QuarryError } from '../errors/index.js';
import { gunzip, unzstd } from './compression.js';
import type { DecodeOptions, RandomAccess, SourceDocument } from './contract.js';
import { readJsonLines } from './jsonl.js';
import { readParquet } from './parquet.js';
import { readTar } from './tar.js';
import { readZip } from './zip.js';

/** A file to look into: its bytes in order, and where the format needs them, a path or random access. */
export interface FileToDecode {
  readonly name: string;
  readonly pieces: () => AsyncIterable<Uint8Array>;
  /** Where it lies on this machine. */
  readonly path?: string;
  readonly randomAccess?: () => Promise<RandomAccess>;
}

/** The name without what a URL adds, in lower case: what the format is told by. */
function formatName(name: string): string {
  return name.toLowerCase().replace(/[?#].*$/, '');
}

/**
 * The documents of a file, by its name: archives and datasets are looked into, compression is undone, anything else is
 * one document.
 *
 * @throws QuarryError `DATA_INVALID` when the content is not what the name says
 */
export async function* documentsOf(
  file: FileToDecode,
  options: DecodeOptions,
  signal?: AbortSignal,
): AsyncGenerator<SourceDocument> {
  const name = formatName(file.name);
  if (name.endsWith('.parquet')) {
    if (file.randomAccess === undefined) throw needsFile(file.name, 'Parquet');
    yield* readParquet(file.name, await file.randomAccess(), options, signal);
  } else if (name.endsWith('.zip')) {
    if (file.path === undefined) throw needsFile(file.name, 'zip');
    yield* readZip(file.name, file.path);
  } else yield* streamed(file.name, name, file.pieces(), options);
}

async function* streamed(
  origin: string,
  name: string,
  pieces: AsyncIterable<Uint8Array>,
  options: DecodeOptions,
): AsyncGenerator<SourceDocument> {
  if (name.endsWith('.tgz')) yield* readTar(origin, gunzip(origin, pieces));
  else if (name.endsWith('.gz')) yield* streamed(origin, name.slice(0, -3), gunzip(origin, pieces), options);
  else if (name.endsWith('.zst')) yield* streamed(origin, name.slice(0, -4), unzstd(origin, pieces), options);
  else if (name.endsWith('.tar')) yield* readTar(origin, pieces);
  else if (name.endsWith('.jsonl') || name.endsWith('.ndjson')) yield* readJsonLines(origin, pieces, options);
  else if (options.textOnly) yield* textOnly(origin, pieces);
  else yield { origin, pieces };
}

/** The document, unless its first piece looks binary. */
async function* textOnly(origin: string, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<SourceDocument> {
  const iterator = pieces[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done || first.value.subarray(0, 8192).includes(0)) return void (await iterator.return?.());
  yield {
    origin,
    pieces: (async function* () {
      yield first.value;
      yield* { [Symbol.asyncIterator]: () => iterator };
    })(),
  };
}

function needsFile(name: string, format: string): QuarryError {
  return new QuarryError('UNSUPPORTED', `${name} cannot be read as a stream: ${format} is read from its end`, {
    hint: 'download the file first and name its path',
  });
}
