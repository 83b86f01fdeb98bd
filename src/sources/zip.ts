import type { Readable } from 'node:stream';
import { type Entry, open, type ZipFile } from 'yauzl';
import { QuarryError } from '../errors/index.js';
import type { SourceDocument } from './contract.js';

/**
 * The files of a zip archive, in the order of its directory.
 *
 * @throws QuarryError `DATA_INVALID` when it is not a zip archive
 */
export async function* readZip(name: string, path: string): AsyncGenerator<SourceDocument> {
  const invalid = (cause: unknown): QuarryError =>
    new QuarryError('DATA_INVALID', `${name} is not a valid zip archive`, { cause });
  const zip = await new Promise<ZipFile>((resolve, reject) => {
    open(path, { lazyEntries: true, autoClose: false }, (error, file) =>
      error === null ? resolve(file) : reject(invalid(error)),
    );
  });
  const nextEntry = (): Promise<Entry | undefined> =>
    new Promise((resolve, reject) => {
      zip.once('entry', resolve);
      zip.once('end', () => resolve(undefined));
      zip.once('error', (error) => reject(invalid(error)));
      zip.readEntry();
    });
  const streamOf = (entry: Entry): Promise<Readable> =>
    new Promise((resolve, reject) => {
      zip.openReadStream(entry, (error, stream) => (error === null ? resolve(stream) : reject(invalid(error))));
    });
  try {
    for (let entry = await nextEntry(); entry !== undefined; entry = await nextEntry()) {
      zip.removeAllListeners();
      if (entry.fileName.endsWith('/')) continue;
      yield { origin: `${name}!${entry.fileName}`, pieces: await streamOf(entry) };
    }
  } finally {
    zip.close();
  }
}
