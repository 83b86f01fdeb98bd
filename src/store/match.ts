import type { Hit, TargetMatrix } from '../engine/contract.js';
import { QuarryError } from '../errors/index.js';
import type { ModelKey } from './model-key.js';
import type { RowScanner, RowSelection } from './row-scanner.js';
import type { SampleLog } from './sample-log.js';
import type { LossErrorBound, WinnerIndex } from './winner-index.js';

/** A target to find samples for. */
export interface MatchTarget {
  /** The caller's name for it; comes back in every hit. */
  readonly id: string;
  /** The models that compete on it, in the target's order. */
  readonly models: readonly ModelKey[];
  /** `[embeddingDim]` */
  readonly embedding: Float32Array;
  /** A sample hits when its distance is less than or equal to this. */
  readonly threshold: number;
}

/** Which of the samples that hit a target are wanted. */
export interface MatchPolicy {
  /**
   * `first`: the first found, in the order of arrival, without looking further; `closest`: the smallest distance;
   * `cheapest`: the fewest bytes, because the bond grows with them, and among equals the closest. Default `first`.
   */
  readonly pick?: 'first' | 'closest' | 'cheapest';
  /** Hits wanted per target. Default 1. */
  readonly limit?: number;
  /** How much a hit must lie inside the threshold; give the engine's distance error bound. Default 0. */
  readonly margin?: number;
  /** What decides that two losses are too close to call. */
  readonly lossErrorBound?: LossErrorBound;
  /** Whether hits that are too close to call are wanted. Default `include`, flagged. */
  readonly nearTies?: 'include' | 'skip';
  /** Samples that must not be returned for a target, such as those already submitted for it. */
  readonly exclude?: (targetId: string) => ReadonlySet<number> | undefined;
  readonly signal?: AbortSignal;
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
  /** The two best losses lie within their error bounds: score both again in f32 before submitting. */
  readonly nearTie: boolean;
}

/** What a match works on. */
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
 * Finds hits for targets that share one list of models, among all samples or the given ones.
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
  const toHit = (target: MatchTarget, hit: Hit): MatchHit | undefined => {
    const position = selection.positions === undefined ? hit.row : selection.positions[hit.row]!;
    const winner = set.winnerAt(position);
    if (winner === undefined) return undefined;
    const sampleId = set.sampleAt(position);
    if (policy.exclude?.(target.id)?.has(sampleId)) return undefined;
    const nearTie = set.isNearTie(sampleId, policy.lossErrorBound);
    if (nearTie && policy.nearTies === 'skip') return undefined;
    const log = set.logs[winner]!;
    const { loss } = set.winner(sampleId)!;
    const sizeBytes = samples.sizes.array[sampleId]!;
    return { targetId: target.id, sampleId, distance: hit.distance, winner, model: log.key, loss, sizeBytes, nearTie };
  };
  if ((policy.pick ?? 'first') === 'first') await matchFirst(context, selection, targets, policy, toHit, found);
  else await matchBest(context, selection, targets, policy, toHit, found);
  return found.flat();
}

type ToHit = (target: MatchTarget, hit: Hit) => MatchHit | undefined;

/** Scans all targets together; those that still want hits go on from where theirs was found. */
async function matchFirst(
  { scanner }: MatchContext,
  selection: RowSelection,
  targets: readonly MatchTarget[],
  policy: MatchPolicy,
  toHit: ToHit,
  found: MatchHit[][],
): Promise<void> {
  const limit = policy.limit ?? 1;
  const options = {
    mode: 'first' as const,
    margin: policy.margin ?? 0,
    ...(policy.signal !== undefined && { signal: policy.signal }),
  };
  const next: (readonly [target: number, from: number])[] = [];
  const take = (t: number, hit: Hit): void => {
    const match = toHit(targets[t]!, hit);
    if (match !== undefined) found[t]!.push(match);
    if (found[t]!.length < limit) next.push([t, hit.row + 1]);
  };
  for (const hit of await scanner.scan(selection, matrixOf(targets, selection.dim), options)) take(hit.target, hit);
  for (let pair = next.pop(); pair !== undefined; pair = next.pop()) {
    const [t, from] = pair;
    const [hit] = await scanner.scan(selection, matrixOf([targets[t]!], selection.dim), { ...options, from });
    if (hit !== undefined) take(t, hit);
  }
}

/** Looks at every row: the best cannot be known earlier. */
async function matchBest(
  { scanner }: MatchContext,
  selection: RowSelection,
  targets: readonly MatchTarget[],
  policy: MatchPolicy,
  toHit: ToHit,
  found: MatchHit[][],
): Promise<void> {
  const hits = await scanner.scan(selection, matrixOf(targets, selection.dim), {
    mode: 'all',
    margin: policy.margin ?? 0,
    ...(policy.signal !== undefined && { signal: policy.signal }),
  });
  for (const hit of hits) {
    const match = toHit(targets[hit.target]!, hit);
    if (match !== undefined) found[hit.target]!.push(match);
  }
  const cheap = policy.pick === 'cheapest';
  for (const list of found) {
    list.sort((a, b) => (cheap ? a.sizeBytes - b.sizeBytes : 0) || a.distance - b.distance || a.sampleId - b.sampleId);
    list.length = Math.min(list.length, policy.limit ?? 1);
  }
}
