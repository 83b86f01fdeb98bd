import type { MatchHit, Store } from '../../store/index.js';
import type { OpenTarget } from '../feed/open-targets.js';
import { scoreStored } from '../score/score-stored.js';
import type { MatchModels } from './loss-bounds.js';

/** Targets whose only hits are near-ties, and how to match them again. */
export interface TiedTargets {
  readonly targets: readonly OpenTarget[];
  readonly ties: readonly MatchHit[];
  /** Matches these targets again; remaining ties are passed to {@link TieSettler.add} with the given round. */
  readonly again: (targets: readonly OpenTarget[], round: number) => Promise<void>;
  /** Times they have already been matched again. */
  readonly round: number;
}

/** Samples re-scored per round. */
const SAMPLES_PER_ROUND = 16;
/** Rounds after which the ties are dropped; later samples may still hit the targets. */
const MAX_ROUNDS = 8;
/** Queued batches. The oldest are dropped first: their targets are most likely filled. */
const MAX_WAITING = 64;

/**
 * Re-scores near-ties in f32 in the background, one batch at a time, each with a bounded budget. Matching of new
 * targets does not wait for it.
 */
export class TieSettler {
  readonly #deps: { readonly store: Store; readonly models: MatchModels };
  readonly #waiting: TiedTargets[] = [];
  #settling = false;

  constructor(deps: { readonly store: Store; readonly models: MatchModels }) {
    this.#deps = deps;
  }

  /** Whether ties are being settled or queued. */
  get busy(): boolean {
    return this.#settling || this.#waiting.length > 0;
  }

  /** Queues targets for {@link settle}. */
  add(tied: TiedTargets): void {
    if (tied.ties.length === 0 || tied.round >= MAX_ROUNDS) return;
    this.#waiting.push(tied);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
  }

  /**
   * Settles queued ties; returns at once if another call is already doing so.
   *
   * @throws QuarryError `ABORTED` when the signal fires
   */
  async settle(signal: AbortSignal): Promise<void> {
    if (this.#settling) return;
    this.#settling = true;
    try {
      for (let tied = this.#waiting.shift(); tied !== undefined && !signal.aborted; tied = this.#waiting.shift()) {
        if (await this.#scoreAgain(tied, signal)) await tied.again(tied.targets, tied.round + 1);
      }
    } finally {
      this.#settling = false;
    }
  }

  /** @returns whether any score changed; otherwise matching again would find the same ties */
  async #scoreAgain({ targets, ties }: TiedTargets, signal: AbortSignal): Promise<boolean> {
    const { models, store } = this.#deps;
    const byId = new Map(targets.map((open) => [open.target.id, open]));
    const samples = new Map<string, Set<number>>();
    for (const { targetId, sampleId } of inTurns(ties)) {
      for (const modelId of byId.get(targetId)?.target.modelIds ?? []) {
        const model = models.get(modelId);
        if (model === undefined || store.score(sampleId, model.key)?.precision === 'f32') continue;
        samples.set(modelId, (samples.get(modelId) ?? new Set()).add(sampleId));
      }
    }
    let changed = false;
    for (const [modelId, ids] of samples) {
      const model = models.get(modelId);
      const loaded = model === undefined ? undefined : models.loaded(model);
      // When a model finishes loading, all targets are matched again anyway.
      if (model === undefined || loaded === undefined) continue;
      await scoreStored(store, model.key, loaded, [...ids], { precision: 'f32', signal });
      changed = true;
    }
    return changed;
  }
}

/** Picks ties round-robin over targets, up to {@link SAMPLES_PER_ROUND} samples. */
function inTurns(ties: readonly MatchHit[]): MatchHit[] {
  const turns = new Map<string, number>();
  const ordered = ties.map((tie) => {
    const turn = turns.get(tie.targetId) ?? 0;
    turns.set(tie.targetId, turn + 1);
    return { tie, turn };
  });
  ordered.sort((a, b) => a.turn - b.turn);
  const chosen = new Set<number>();
  for (const { tie } of ordered) if (chosen.size < SAMPLES_PER_ROUND) chosen.add(tie.sampleId);
  return ties.filter((tie) => chosen.has(tie.sampleId));
}
