import { QuarryError } from '../../errors/index.js';
import { HttpClient } from '../../net/index.js';
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

/** Dependencies of a source that exist only once the journal is open. */
interface SourceDeps {
  readonly warn: (error: QuarryError) => void;
  readonly journal: Journal;
  readonly cut: CutStats;
}

/** Creates the sample stream and the callback that saves its position. */
type SampleSource = (deps: SourceDeps) => Pick<MinerDeps, 'samples' | 'onUnit'>;

/** @throws QuarryError `INVALID_ARGUMENT` unless exactly one of `data` and `samples` is given */
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
 * Resolves the sources that the options name, before store and journal are opened.
 *
 * @param onLeftOut called for each source that cannot be read and is skipped
 */
export async function openSampleSource(
  options: CreateMinerOptions,
  onLeftOut: (error: QuarryError) => void,
  closers: Closers,
): Promise<SampleSource> {
  const { samples, cutting, lookAhead = 0, signal, decode, stdin, data = [] } = options;
  if (samples !== undefined) return ({ warn }) => ({ samples: spreadStream(checked(samples, warn), { lookAhead }) });
  // No address policy: the user chose these sources.
  const http = new HttpClient();
  closers.push(() => http.close());
  const units = await resolveSources(
    data,
    { ...decode, cwd: decode?.cwd ?? '.', signal },
    { http, onLeftOut: (name, error) => onLeftOut(leftOut(name, error)), stdin },
  );
  const key = sourceKey(units, cutting);
  return ({ warn, journal, cut }) => {
    const arriving = sampleStream(units, {
      ...cutting,
      // An unreadable file is skipped with a warning.
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

/** The caller's samples, without those that are empty or too large to submit. */
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

/**
 * Identifies a sequence of units. Another list, order or way of cutting gets its own key and starts from the beginning.
 */
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
