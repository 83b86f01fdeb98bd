import type { Readable } from 'node:stream';
import { type Entry, getFileNameLowLevel, open, type ZipFile } from 'yauzl';
import { QuarryError, toQuarryError } from '../errors/index.js';
import type { SourceDocument } from './contract.js';
import { plainDocument } from './plain.js';

/**
 * The files of a zip archive, in directory order. Damaged, encrypted or unsupported members are left out individually.
 * Names are only labels, so paths in them are harmless.
 *
 * @throws QuarryError `DATA_INVALID` when it is not a zip archive
 */
export async function* readZip(name: string, path: string): AsyncGenerator<SourceDocument> {
  const invalid = (cause: unknown): QuarryError =>
    new QuarryError('DATA_INVALID', `${name} is not a valid zip archive`, { cause });
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    open(path, { lazyEntries: true, autoClose: false, decodeStrings: false }, (error, file) => {
      if (error === null) return resolve(file);
      const failure = toQuarryError(error, `reading ${name}`);
      reject(failure.code === 'INTERNAL' ? invalid(error) : failure);
    });
  });
  const nextEntry = (): Promise<Entry | undefined> =>
    new Promise((resolve, reject) => {
      zip.once('entry', resolve);
      zip.once('end', () => resolve(undefined));
      zip.once('error', (error) => reject(invalid(error)));
      zip.readEntry();
    });
  try {
    for (let entry = await nextEntry(); entry !== undefined; entry = await nextEntry()) {
      zip.removeAllListeners();
      const { generalPurposeBitFlag, fileNameRaw, extraFields } = entry;
      const member = getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, false);
      if (member.endsWith('/')) continue;
      const origin = `${name}!${member}`;
      yield { origin, pieces: plainDocument(origin, memberPieces(zip, entry, origin)), independent: true };
    }
  } finally {
    zip.close();
  }
}

/**
 * A member's bytes, opened on first read.
 *
 * @throws QuarryError `DATA_INVALID` when they cannot be decompressed
 */
async function* memberPieces(zip: ZipFile, entry: Entry, origin: string): AsyncGenerator<Uint8Array> {
  try {
    const stream = await new Promise<Readable>((resolve, reject) => {
      zip.openReadStream(entry, (error, opened) => (error === null ? resolve(opened) : reject(error)));
    });
    yield* stream;
  } catch (error) {
    const failure = toQuarryError(error, `reading ${origin}`);
    if (failure.code !== 'INTERNAL') throw failure;
    throw new QuarryError('DATA_INVALID', `${origin} cannot be unpacked: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
