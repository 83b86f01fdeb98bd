import { JOINING_NOISE } from '../engine/joining-noise.js';
import { cosineGradient } from '../engine/js/index.js';
import { drawsOf } from './draw.js';
import type { GradientModel } from './gradient-model.js';
import { type Proposal, Proposer } from './proposer.js';
import { RelaxedPhase } from './relaxed-phase.js';

/** A chunk and its scores under the target's models, in the target's order. */
export interface SearchPart {
  readonly bytes: Uint8Array;
  readonly scores: readonly { readonly loss: number; readonly embedding: Float32Array }[];
  /** Error bound of each loss. */
  readonly lossBound: number;
}

/** The target of a search. */
export interface SearchGoal {
  /** The target's, `[dim]`. */
  readonly embedding: Float32Array;
  /** Index of the model that wins the start: has the lowest loss, so that its embedding counts. */
  readonly winner: number;
  /** Maximum chunks in the sample. */
  readonly maxParts: number;
  /** With the same parts and scores, the same seed gives the same search. */
  readonly seed: bigint;
}

/** The gradient to compute next. */
export interface SearchStep<P extends SearchPart> {
  readonly part: P;
  /** What the chunk's embedding should move along, `[dim]`. */
  readonly direction: Float32Array;
}

/** Replaces the part at `place`, or appends one. */
interface Change<P> {
  readonly part: P;
  readonly place: number;
  /** Cosine of the sample after the change. */
  readonly cosine: number;
}

/** Minimum gain in cosine. */
const LEAST_GAIN = 1e-7;
/** Steps of edits before a chunk is relaxed: the first gain most. */
const EDITED_FIRST = 5;

/**
 * Gradient-guided search for one target. Each step changes one part of a sample of joined chunks and keeps changes that
 * bring the mean embedding closer. A joined sample scores the mean of its parts, and every kept change leaves the
 * winner's mean loss below every other model's by more than the error bounds. The caller does the scoring.
 */
export class TargetSearch<P extends SearchPart> {
  readonly #goal: SearchGoal;
  readonly #proposer: Proposer;
  readonly #relaxed: RelaxedPhase;
  #steps = 0;
  #winner: number;
  readonly #donors: readonly Uint8Array[];
  readonly #sum: Float64Array;
  #parts: P[];
  #place = -1;
  #proposals: readonly Proposal[] = [];

  /**
   * @param parts starting chunks, at least one; `isWonBy(goal.winner, parts)` must hold
   * @param donors chunks of a composition near the target, repeated as they occur in it; blended and copied from
   */
  constructor(goal: SearchGoal, parts: readonly P[], donors: readonly Uint8Array[] = []) {
    this.#goal = goal;
    this.#parts = [...parts];
    this.#donors = donors;
    this.#winner = goal.winner;
    const draw = drawsOf(goal.seed);
    this.#proposer = new Proposer(draw);
    this.#relaxed = new RelaxedPhase(parts[0]?.scores.length ?? 0, parts[0]?.bytes.length ?? 0, draw);
    this.#sum = new Float64Array(goal.embedding.length);
    for (const part of parts) this.#add(part, 1);
  }

  get parts(): readonly P[] {
    return this.#parts;
  }

  /** The part that the last proposals began with. */
  get base(): P {
    return this.#parts[Math.max(0, this.#place) % this.#parts.length]!;
  }

  /** Cosine of the parts' mean embedding and the target's. */
  get cosine(): number {
    return cosine(this.#sum, this.#goal.embedding);
  }

  /** The part to change next, round-robin; a part that occurs several times gets one turn. */
  next(): SearchStep<P> {
    const parts = this.#parts;
    do this.#place = (this.#place + 1) % parts.length;
    while (parts.indexOf(parts[this.#place]!) < this.#place);
    return { part: parts[this.#place]!, direction: cosineGradient(this.#sum, this.#goal.embedding) };
  }

  /** Index of the model that wins the sample; a relaxed chunk may be won by another than the start. */
  get winner(): number {
    return this.#winner;
  }

  /** Whether the next step relaxes a chunk: it need not come closer before that has cooled. */
  get isRelaxing(): boolean {
    return this.#steps >= EDITED_FIRST && !this.#relaxed.isOver;
  }

  /**
   * What a step has to score, by the models' gradients: edits of the {@link next} part, or what a relaxed chunk has come to.
   *
   * @param models in the target's order
   * @param count proposals of a step of edits; a relaxed step costs about as much
   */
  async proposals(models: readonly GradientModel[], count: number, signal?: AbortSignal): Promise<Uint8Array[]> {
    if (this.isRelaxing) return [await this.#relaxed.climb(models, this.#goal.embedding, signal)];
    const { part, direction } = this.next();
    return this.propose(await models[this.#winner]!.byteGradient(part.bytes, direction, { signal }), count);
  }

  /**
   * Proposes chunks to score.
   *
   * @param gradient of the part from {@link next}, `[bytes, 256]`
   */
  propose(gradient: Float32Array, count: number): Uint8Array[] {
    const part = this.#parts[this.#place]!;
    // An edit can be applied to every occurrence of the part.
    const times = this.#parts.filter((each) => each === part).length;
    const aim = { from: this.#sum.map((value) => value / times), embedding: this.#goal.embedding };
    this.#proposals = this.#proposer.propose(part.bytes, gradient, count, this.#donors, aim);
    return this.#proposals.map((proposal) => proposal.bytes);
  }

  /**
   * Applies scored proposals greedily, each where it helps most, until none helps.
   *
   * @param candidates the chunks of {@link proposals} in order; undefined for one that was not scored
   * @returns whether the sample came closer
   */
  take(candidates: readonly (P | undefined)[]): boolean {
    const before = this.cosine;
    const { isRelaxing } = this;
    this.#steps++;
    const scored = candidates.filter((part) => part !== undefined);
    if (isRelaxing) this.#judgeRelaxed(scored[0]);
    else {
      const base = this.#parts[this.#place]!.scores[this.#winner]!.embedding;
      const judged = this.#proposals.flatMap((proposal, i) => {
        const part = candidates[i];
        if (part === undefined) return [];
        const change = Float64Array.from(part.scores[this.#winner]!.embedding, (value, j) => value - base[j]!);
        return [{ ...proposal, part, cosine: this.#best([part])?.cosine ?? before, change }];
      });
      this.#proposer.learn(judged, before);
      for (const { edit, part } of judged) if (edit === undefined) this.#beginWith(part, this.#winner);
    }
    for (let found = this.#best(scored); found !== undefined; found = this.#best(scored)) {
      const old = this.#parts[found.place];
      if (old !== undefined) this.#add(old, -1);
      this.#add(found.part, 1);
      this.#parts[found.place] = found.part;
    }
    return this.cosine > before;
  }

  /** The relaxed chunk becomes the sample where it is closer alone, whichever model wins it. */
  #judgeRelaxed(part: P | undefined): void {
    const { aimed } = this.#relaxed;
    const closeness = part === undefined ? -1 : cosine(part.scores[aimed]!.embedding, this.#goal.embedding);
    this.#relaxed.judge(closeness, part === undefined ? Number.NEGATIVE_INFINITY : leadOf(aimed, [part]));
    for (const winner of part?.scores.keys() ?? []) this.#beginWith(part!, winner);
  }

  /**
   * Restarts from a chunk that is at least as close alone: an edit then moves the whole sample, not one part of many.
   */
  #beginWith(part: P, winner: number): void {
    if (!isWonBy(winner, [part])) return;
    if (!(cosine(part.scores[winner]!.embedding, this.#goal.embedding) >= this.cosine)) return;
    this.#winner = winner;
    this.#parts = [part];
    this.#sum.fill(0);
    this.#add(part, 1);
  }

  /** The best single change: replacing a part with a candidate, or appending one. */
  #best(candidates: readonly P[]): Change<P> | undefined {
    const { embedding, maxParts } = this.#goal;
    const winner = this.#winner;
    let best = this.cosine + LEAST_GAIN;
    let found: Change<P> | undefined;
    const places = Math.min(maxParts, this.#parts.length + 1);
    const sum = new Float64Array(this.#sum.length);
    for (const part of candidates) {
      const added = part.scores[winner]!.embedding;
      for (let place = 0; place < places; place++) {
        const removed = this.#parts[place]?.scores[winner]?.embedding;
        for (let i = 0; i < sum.length; i++) sum[i] = this.#sum[i]! + added[i]! - (removed?.[i] ?? 0);
        const closeness = cosine(sum, embedding);
        if (!(closeness > best) || !isWonBy(winner, this.#parts.toSpliced(place, 1, part))) continue;
        best = closeness;
        found = { part, place, cosine: closeness };
      }
    }
    return found;
  }

  #add(part: P, sign: 1 | -1): void {
    const { embedding } = part.scores[this.#winner]!;
    for (let i = 0; i < this.#sum.length; i++) this.#sum[i] = this.#sum[i]! + sign * embedding[i]!;
  }
}

/** Whether a model's mean loss over the parts is below every other's by more than the error bounds. */
export function isWonBy(winner: number, parts: readonly SearchPart[]): boolean {
  return leadOf(winner, parts) > 0;
}

/** The least sum of a model's leads over another, beyond the error bounds; infinite without others. */
function leadOf(winner: number, parts: readonly SearchPart[]): number {
  const models = parts[0]?.scores.length ?? 0;
  let least = Number.POSITIVE_INFINITY;
  for (let rival = 0; rival < models; rival++) {
    if (rival === winner) continue;
    let lead = 0;
    for (const { scores, lossBound } of parts) {
      lead += scores[rival]!.loss - scores[winner]!.loss - 2 * lossBound - JOINING_NOISE;
    }
    least = Number.isNaN(lead) ? Number.NEGATIVE_INFINITY : Math.min(least, lead);
  }
  return least;
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let dot = 0;
  let squareA = 0;
  let squareB = 0;
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    squareA += a[i]! ** 2;
    squareB += b[i]! ** 2;
  }
  return dot / Math.sqrt(squareA * squareB);
}
