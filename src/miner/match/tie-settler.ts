import type { MatchHit, ScoreInput, Store } from '../../store/index.js';
import type { OpenTarget } from '../feed/open-targets.js';
import type { MatchModels } from './loss-bounds.js';

/** Targets whose only hits were too close to call, and how they are matched again. */
export interface TiedTargets {
  readonly targets: readonly OpenTarget[];
  readonly ties: readonly MatchHit[];
  /** Matches these targets again; what is tied then comes back to {@link TieSettler.add} with `round` raised by one. */
  readonly again: (targets: readonly OpenTarget[], round: number) => Promise<void>;
  /** How often they were matched again already. */
  readonly round: number;
}

/** Samples scored again for one batch of targets before they are matched again. */
const SAMPLES_PER_ROUND = 16;
/** After so many rounds the targets are left to later samples. */
const MAX_ROUNDS = 8;
/** Batches that wait; older ones give way, as their targets are the likeliest to be gone. */
const MAX_WAITING = 64;

/**
 * Scores near-ties again in f32, beside the race: batch after batch, each with a bounded budget, while new targets are
 * matched without waiting for it.
 */
export class TieSettler {
  readonly #deps: { readonly store: Store; readonly models: MatchModels };
  readonly #waiting: TiedTargets[] = [];
  #settling = false;

  constructor(deps: { readonly store: Store; readonly models: MatchModels }) {
    this.#deps = deps;
  }

  /** Whether ties are being settled or wait for it. */
  get busy(): boolean {
    return this.#settling || this.#waiting.length > 0;
  }

  /** Takes targets up; nothing happens before {@link settle}. */
  add(tied: TiedTargets): void {
    if (tied.ties.length === 0 || tied.round >= MAX_ROUNDS) return;
    this.#waiting.push(tied);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
  }

  /**
   * Settles what waits; returns at once when that is under way already.
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

  /** @returns whether any score changed; without a change a second match would find the same */
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
      // A model that is still on its way brings its targets back when it comes up.
      if (model === undefined || loaded === undefined) continue;
      const sampleIds = [...ids];
      const bytes = sampleIds.map((id) => store.sample(id).bytes);
      const scores = await loaded.score(bytes, { precision: 'f32', signal });
      const rows = scores.flatMap((score, i): ScoreInput[] => {
        const sampleId = sampleIds[i];
        return sampleId === undefined ? [] : [{ sampleId, ...score }];
      });
      await store.appendScores(model.key, rows);
      changed ||= rows.length > 0;
    }
    return changed;
  }
}

/** The first tie of every target, then the second of every target and so on, up to the round's samples. */
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
