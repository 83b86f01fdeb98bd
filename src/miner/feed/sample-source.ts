import { QuarryError } from '../../errors/index.js';
import { HttpClient } from '../../http/index.js';
import { blake2b256 } from '../../soma/chain/index.js';
import {
  type CutStats,
  MAX_SAMPLE_BYTES,
  resolveSources,
  type Sample,
  type SourceUnit,
  sampleStream,
  spreadStream,
} from '../../sources/index.js';
import type { Closers } from '../closers.js';
import type { CreateMinerOptions, OwnSample } from '../create-miner-options.js';
import type { Journal } from '../journal/journal.js';
import type { MinerDeps } from '../miner-options.js';

/** What samples are read with, once it exists. */
interface SourceDeps {
  readonly warn: (error: QuarryError) => void;
  readonly journal: Journal;
  readonly cut: CutStats;
}

/** Samples, and what remembers how far they were read. */
type SampleSource = (deps: SourceDeps) => Pick<MinerDeps, 'samples' | 'onUnit'>;

/** @throws QuarryError `INVALID_ARGUMENT` unless there is either data or samples of the caller's own */
export function assertSamples({ data, samples }: CreateMinerOptions): void {
  if (samples !== undefined && data !== undefined) {
    throw new QuarryError('INVALID_ARGUMENT', 'a miner takes either data or samples, not both', {
      hint: 'combine them in the iterable: `resolveSources` and `sampleStream` turn data into samples',
    });
  }
  if (samples === undefined && (data === undefined || data.length === 0)) {
    throw new QuarryError('INVALID_ARGUMENT', 'there is no data to mine with', {
      hint: 'name files, directories or datasets in `data`, or give `samples`',
    });
  }
}

/**
 * What the options name, found before anything is opened for it.
 *
 * @param onLeftOut called with what cannot be read
 */
export async function openSampleSource(
  options: CreateMinerOptions,
  onLeftOut: (error: QuarryError) => void,
  closers: Closers,
): Promise<SampleSource> {
  const { samples, cutting, lookAhead = 0, signal, decode, stdin, data = [] } = options;
  if (samples !== undefined) return ({ warn }) => ({ samples: spreadStream(checked(samples, warn), { lookAhead }) });
  // Sources are the user's own choice: any address may be named.
  const http = new HttpClient();
  closers.push(() => http.close());
  const units = await resolveSources(
    data,
    { ...decode, cwd: decode?.cwd ?? '.' },
    { http, onLeftOut: (name, error) => onLeftOut(leftOut(name, error)), stdin },
  );
  const key = sourceKey(units, cutting);
  return ({ warn, journal, cut }) => {
    const arriving = sampleStream(units, {
      ...cutting,
      // One file that cannot be read does not end the mining of all others.
      onUnreadable: cutting?.onUnreadable ?? ((unit, error) => warn(leftOut(unit, error))),
      onRetry: cutting?.onRetry ?? ((_unit, error) => warn(error)),
      skipUnits: journal.positions.of(key),
      stats: cut,
      signal,
    });
    return {
      samples: spreadStream(arriving, { lookAhead }),
      onUnit: (unit) => journal.positions.save(key, unit),
    };
  };
}

/** Samples of the caller's own, without those that no submission could carry. */
async function* checked(samples: AsyncIterable<OwnSample>, warn: (error: QuarryError) => void): AsyncGenerator<Sample> {
  for await (const { bytes, origin } of samples) {
    if (bytes.length > 0 && bytes.length <= MAX_SAMPLE_BYTES) {
      yield { bytes, origin, unit: 0 };
      continue;
    }
    const text = `${origin} is skipped: a sample of ${bytes.length} bytes; 1 to ${MAX_SAMPLE_BYTES} can be submitted`;
    warn(new QuarryError(bytes.length === 0 ? 'DATA_EMPTY' : 'DATA_TOO_LARGE', text));
  }
}

/** Names the sequence of units: another list, order or cut is another sequence, read from its beginning. */
function sourceKey(units: readonly SourceUnit[], cutting: CreateMinerOptions['cutting'] = {}): string {
  const { sampleBytes, wholeFiles, utf8Boundaries, minEntropyBits, seed } = cutting;
  const cut = { sampleBytes, wholeFiles, utf8Boundaries, minEntropyBits, seed };
  const text = JSON.stringify([units.map((unit) => unit.name), cut]);
  return Buffer.from(blake2b256(new TextEncoder().encode(text))).toString('hex');
}

function leftOut(unit: string, error: QuarryError): QuarryError {
  return new QuarryError(error.code, `${unit} is skipped: ${error.message}`, {
    hint: error.hint,
    details: error.details,
    cause: error,
    retryable: false,
  });
}
