import type { Hit, TargetMatrix } from '../engine/contract.js';
import { QuarryError } from '../errors/index.js';
import type { LossErrorBound } from './loss-error-bound.js';
import type { ModelKey } from './model-key.js';
import type { RowScanner, RowSelection } from './row-scanner.js';
import type { SampleLog } from './sample-log.js';
import type { WinnerIndex } from './winner-index.js';

/** A target to find samples for. */
export interface MatchTarget {
  /** Caller-defined id, returned in every hit. */
  readonly id: string;
  /** The competing models, in the target's order. */
  readonly models: readonly ModelKey[];
  /** `[embeddingDim]` */
  readonly embedding: Float32Array;
  /** A sample hits when its distance is less than or equal to this. */
  readonly threshold: number;
}

/**
 * Which of a target's hits to prefer. `first`: the first in order of arrival, without scanning further; `closest`: the
 * smallest distance; `cheapest`: the fewest bytes, as the bond is per byte, and among equals the closest.
 */
export type HitPolicy = 'first' | 'closest' | 'cheapest';

/** Which hits of a target to return. */
export interface MatchPolicy {
  /** Default `first`. */
  readonly pick?: HitPolicy | undefined;
  /** Maximum hits per target. Default 1. */
  readonly limit?: number | undefined;
  /** How far inside the threshold a hit must lie, such as the engine's distance error bound. Default 0. */
  readonly margin?: number | undefined;
  /** Bounds within which two losses are a near-tie. */
  readonly lossErrorBound?: LossErrorBound | undefined;
  /**
   * How to treat near-ties. `include` returns them flagged; `skip` omits them; `defer` returns at most eight, only for
   * a target without decided hits, and omits those that f32 cannot settle. Default `include`.
   */
  readonly nearTies?: 'include' | 'skip' | 'defer' | undefined;
  /** Samples that must not be returned for a target, such as those already submitted for it. */
  readonly exclude?: (targetId: string) => ReadonlySet<number> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A sample that hits a target. */
export interface MatchHit {
  readonly targetId: string;
  readonly sampleId: number;
  /** Cosine distance of the winner's embedding in f32. */
  readonly distance: number;
  /** Index of the winner in the target's models. */
  readonly winner: number;
  readonly model: ModelKey;
  readonly loss: number;
  readonly sizeBytes: number;
  /** Whether the two best losses are within their error bounds: score the sample again in f32 before submitting. */
  readonly nearTie: boolean;
}

/** Near-ties returned per target with `defer`. */
const DEFERRED_TIES = 8;
/**
 * Positions of the first block after a dismissed hit; each further block is twice as long, up to {@link LONGEST_BLOCK}.
 */
const FIRST_BLOCK = 1024;
const LONGEST_BLOCK = 65_536;

/** The data that a match runs on. */
export interface MatchContext {
  readonly set: WinnerIndex;
  readonly samples: SampleLog;
  readonly scanner: RowScanner;
}

function matrixOf(targets: readonly MatchTarget[], dim: number): TargetMatrix {
  const data = new Float32Array(targets.length * dim);
  targets.forEach((target, t) => {
    if (target.embedding.length !== dim) {
      throw new QuarryError('INVALID_ARGUMENT', `"embedding" expected ${dim} values, got ${target.embedding.length}`, {
        details: { targetId: target.id },
      });
    }
    data.set(target.embedding, t * dim);
  });
  return { data, thresholds: Float32Array.from(targets, (t) => t.threshold), targets: targets.length, dim };
}

/**
 * Finds hits for targets that share a list of models, among all samples or those in `only`.
 *
 * @returns hits in the order of `targets`, best first within each
 */
export async function matchSet(
  context: MatchContext,
  targets: readonly MatchTarget[],
  policy: MatchPolicy,
  only?: readonly number[],
): Promise<MatchHit[]> {
  const { set, samples } = context;
  const selection = set.selection(only);
  const found = targets.map((): MatchHit[] => []);
  const deferred = targets.map((): MatchHit[] => []);
  const take: Take = (t, hit) => {
    const target = targets[t]!;
    const position = selection.positions === undefined ? hit.row : selection.positions[hit.row]!;
    const winner = set.winnerAt(position);
    if (winner === undefined) return;
    const sampleId = set.sampleAt(position);
    if (policy.exclude?.(target.id)?.has(sampleId)) return;
    const certainty = set.certainty(sampleId, policy.lossErrorBound);
    const nearTie = certainty !== 'decided';
    if (nearTie && policy.nearTies === 'skip') return;
    const list = nearTie && policy.nearTies === 'defer' ? deferred[t]! : found[t]!;
    if (list !== found[t] && (certainty === 'undecidable' || list.length >= DEFERRED_TIES)) return;
    const log = set.logs[winner]!;
    const { loss } = set.winner(sampleId)!;
    const sizeBytes = samples.sizes.array[sampleId]!;
    const { distance } = hit;
    list.push({ targetId: target.id, sampleId, distance, winner, model: log.key, loss, sizeBytes, nearTie });
  };
  if ((policy.pick ?? 'first') === 'first') await matchFirst(context, selection, targets, policy, take, found);
  else await matchBest(context, selection, targets, policy, take, found);
  return found.flatMap((list, t) => (list.length > 0 ? list : deferred[t]!));
}

/** Collects a row that hits target `t`, unless it is dismissed. */
type Take = (t: number, hit: Hit) => void;

/**
 * A first scan finds the first row that hits each target, as fast as possible. Targets whose first rows were dismissed
 * or not enough then share scans of growing blocks, so that every row is scanned at most twice however many are
 * dismissed.
 */
async function matchFirst(
  { scanner }: MatchContext,
  selection: RowSelection,
  targets: readonly MatchTarget[],
  policy: MatchPolicy,
  take: Take,
  found: MatchHit[][],
): Promise<void> {
  const limit = policy.limit ?? 1;
  const options = { margin: policy.margin ?? 0, signal: policy.signal };
  const matrix = matrixOf(targets, selection.dim);
  const next = new Map<number, number>();
  for (const hit of await scanner.scan(selection, matrix, { ...options, mode: 'first' })) {
    take(hit.target, hit);
    if (found[hit.target]!.length < limit) next.set(hit.target, hit.row + 1);
  }
  let from = [...next.values()].reduce((a, b) => Math.min(a, b), selection.count);
  for (let size = FIRST_BLOCK; next.size > 0 && from < selection.count; size = Math.min(size * 2, LONGEST_BLOCK)) {
    const wanted = [...next.keys()];
    const block = { ...selection, count: Math.min(from + size, selection.count) };
    const few = matrixOf(
      wanted.map((t) => targets[t]!),
      selection.dim,
    );
    const hits = await scanner.scan(block, few, { ...options, mode: 'all', from });
    hits.sort((a, b) => a.row - b.row);
    for (const hit of hits) {
      const t = wanted[hit.target]!;
      if (hit.row < (next.get(t) ?? Number.POSITIVE_INFINITY)) continue;
      take(t, hit);
      if (found[t]!.length >= limit) next.delete(t);
    }
    from = block.count;
  }
}

/** Scans every row: the best hit is known only at the end. */
async function matchBest(
  { scanner }: MatchContext,
  selection: RowSelection,
  targets: readonly MatchTarget[],
  policy: MatchPolicy,
  take: Take,
  found: MatchHit[][],
): Promise<void> {
  const hits = await scanner.scan(selection, matrixOf(targets, selection.dim), {
    mode: 'all',
    margin: policy.margin ?? 0,
    signal: policy.signal,
  });
  for (const hit of hits) take(hit.target, hit);
  const cheap = policy.pick === 'cheapest';
  for (const list of found) {
    list.sort((a, b) => (cheap ? a.sizeBytes - b.sizeBytes : 0) || a.distance - b.distance || a.sampleId - b.sampleId);
    list.length = Math.min(list.length, policy.limit ?? 1);
  }
}
