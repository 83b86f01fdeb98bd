import { normalArray } from '../../../engine/reference/index.js';
import { Composer, type ModelKey, type Store } from '../../../store/index.js';
import type { CliContext } from '../../context.js';
import { sayJson } from '../../print.js';
import { printTable, type TableFlags } from '../../table.js';

/** Thresholds shown, as z = (1 - threshold) * sqrt(width); 2.27 is the network's hardest at its width. */
const LEVELS = [1, 2.27, 3.2, 4.5];
/** Seed of the first random target. */
const FIRST_TARGET = 7_000_000;

/**
 * Prints the fraction of random targets that a store's one-chunk samples can hit, alone and composed: for each model by
 * itself, and with all of them competing.
 */
export async function showReach(
  context: CliContext,
  flags: TableFlags & { readonly json?: boolean | undefined },
  store: Store,
  count: number,
): Promise<void> {
  const { models } = store;
  const sets = models.length > 1 ? [...models.map((model) => [model]), models] : [models];
  const composers = { now: new Composer(store), half: new Composer(store, { below: store.sampleCount >> 1 }) };
  const rows: ReachRow[] = [];
  try {
    for (const set of sets) for (const row of await reachOf(composers, set, count, store)) rows.push(row);
  } finally {
    await Promise.all([composers.now.close(), composers.half.close()]);
  }
  if (flags.json) for (const row of rows) sayJson(context, row);
  else {
    const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
    printTable(
      context,
      flags,
      rows,
      [
        { header: 'MODELS', value: (row) => row.models.map((name) => name.slice(0, 12)).join(' '), shrink: 1 },
        { header: 'Z', value: (row) => row.z, align: 'right' },
        { header: 'THRESHOLD', value: (row) => row.threshold.toFixed(4), align: 'right' },
        { header: 'SINGLE', value: (row) => percent(row.single), align: 'right' },
        { header: 'COMPOSED', value: (row) => percent(row.composed), align: 'right' },
        { header: '1,000 MORE', value: (row) => `+${percent(row.nextThousand)}`, align: 'right' },
      ],
      'nothing has been scored yet',
    );
  }
}

interface ReachRow {
  readonly models: readonly string[];
  readonly z: number;
  readonly threshold: number;
  readonly single: number;
  readonly composed: number;
  /** Estimated increase of `composed` from a thousand more chunks like the latest. */
  readonly nextThousand: number;
}

async function reachOf(
  { now, half }: { readonly now: Composer; readonly half: Composer },
  models: readonly ModelKey[],
  count: number,
  { embeddingDim: dim, sampleCount }: Store,
): Promise<ReachRow[]> {
  if (models.length === 0) return [];
  const targets = Array.from({ length: count }, (_, i) => {
    // Impossible threshold, so that the search goes as far as it can.
    return { id: '', models, embedding: normalArray(BigInt(FIRST_TARGET + i), dim), threshold: -1 };
  });
  const single = await now.distances(targets, { maxParts: 1 });
  const composed = await now.distances(targets);
  const before = await half.distances(targets);
  const share = (distances: readonly number[], threshold: number): number =>
    distances.filter((distance) => distance <= threshold).length / count;
  // Reach grows logarithmically with the number of chunks: a constant amount per doubling.
  const doublings = Math.log2((sampleCount + 1000) / Math.max(1, sampleCount));
  return LEVELS.map((z) => {
    const threshold = 1 - z / Math.sqrt(dim);
    const reached = share(composed, threshold);
    const gain = Math.max(0, reached - share(before, threshold)) * doublings;
    return {
      models: models.map(({ checksum }) => checksum),
      z,
      threshold,
      single: share(single, threshold),
      composed: reached,
      nextThousand: Math.min(1 - reached, gain),
    };
  });
}
