import { JOINING_NOISE } from '../engine/joining-noise.js';
import { cosineGradient } from '../engine/js/index.js';
import { drawsOf } from './draw.js';
import { type Proposal, Proposer } from './proposer.js';

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
  /** Index of the model that must have the lowest loss, and whose embedding counts. */
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

/**
 * Gradient-guided search for one target. Each step changes one part of a sample of joined chunks and keeps changes that
 * bring the mean embedding closer. A joined sample scores the mean of its parts, and every kept change leaves the
 * winner's mean loss below every other model's by more than the error bounds. The caller does the scoring.
 */
export class TargetSearch<P extends SearchPart> {
  readonly #goal: SearchGoal;
  readonly #proposer: Proposer;
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
    this.#proposer = new Proposer(drawsOf(goal.seed));
    this.#sum = new Float64Array(goal.embedding.length);
    for (const part of parts) this.#add(part, 1);
  }

  get parts(): readonly P[] {
    return this.#parts;
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
   * @param candidates the chunks of {@link propose} in order; undefined for one that was not scored
   * @returns whether the sample came closer
   */
  take(candidates: readonly (P | undefined)[]): boolean {
    const before = this.cosine;
    const { winner } = this.#goal;
    const base = this.#parts[this.#place]!.scores[winner]!.embedding;
    const judged = this.#proposals.flatMap((proposal, i) => {
      const part = candidates[i];
      if (part === undefined) return [];
      const change = Float64Array.from(part.scores[winner]!.embedding, (value, j) => value - base[j]!);
      return [{ ...proposal, part, cosine: this.#best([part])?.cosine ?? before, change }];
    });
    this.#proposer.learn(judged, before);
    this.#begin(judged, before);
    const scored = candidates.filter((part) => part !== undefined);
    for (let found = this.#best(scored); found !== undefined; found = this.#best(scored)) {
      const old = this.#parts[found.place];
      if (old !== undefined) this.#add(old, -1);
      this.#add(found.part, 1);
      this.#parts[found.place] = found.part;
    }
    return this.cosine > before;
  }

  /**
   * Restarts from a blend that is at least as close alone: an edit then moves the whole sample, not one part of many.
   */
  #begin(judged: readonly (Proposal & { readonly part: P })[], least: number): void {
    const { embedding, winner } = this.#goal;
    let best = least;
    for (const { edit, part } of judged) {
      if (edit !== undefined || !isWonBy(winner, [part])) continue;
      const closeness = cosine(part.scores[winner]!.embedding, embedding);
      if (!(closeness >= best)) continue;
      best = closeness;
      this.#parts = [part];
    }
    this.#sum.fill(0);
    for (const part of this.#parts) this.#add(part, 1);
  }

  /** The best single change: replacing a part with a candidate, or appending one. */
  #best(candidates: readonly P[]): Change<P> | undefined {
    const { embedding, winner, maxParts } = this.#goal;
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
    const { embedding } = part.scores[this.#goal.winner]!;
    for (let i = 0; i < this.#sum.length; i++) this.#sum[i] = this.#sum[i]! + sign * embedding[i]!;
  }
}

/** Whether a model's mean loss over the parts is below every other's by more than the error bounds. */
export function isWonBy(winner: number, parts: readonly SearchPart[]): boolean {
  const models = parts[0]?.scores.length ?? 0;
  for (let rival = 0; rival < models; rival++) {
    if (rival === winner) continue;
    let lead = 0;
    for (const { scores, lossBound } of parts) {
      lead += scores[rival]!.loss - scores[winner]!.loss - 2 * lossBound - JOINING_NOISE;
    }
    if (!(lead > 0)) return false;
  }
  return true;
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
