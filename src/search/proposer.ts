import { type Aim, combined, type TriedEdit } from './combine.js';
import type { Draw } from './draw.js';
import { type Gains, gainsOf } from './gains.js';
import { blend, type Edit, pasted, periodic, scattered, sprinkled, stretch, topPositions } from './moves.js';

/** A proposed chunk and the edit that made it. */
export interface Proposal {
  readonly bytes: Uint8Array;
  /** Absent for a blend. */
  readonly edit?: Edit | undefined;
}

/** A scored proposal and the cosine of the sample with it. */
export interface JudgedProposal extends Proposal {
  readonly cosine: number;
  /** Change of the chunk's embedding, `[dim]`. */
  readonly change: Float64Array;
}

/** Steps for which an edit's measured effect is reused. */
const REMEMBERED_STEPS = 8;
/** Maximum edits combined, one proposal for each entry. */
const COMBINED = [40, 4];
/** Share of the first proposals that are blends. */
const BLENDS = 2 / 3;

/**
 * Proposes chunks: first blends of the donors; then edits from the gradient (scattered, in stretches, periodic),
 * stretches of donors, and combinations of recent edits. The number of positions changed adapts to what helped.
 */
export class Proposer {
  readonly #draw: Draw;
  #size: number | undefined;
  #hasBlended = false;
  #tried: (readonly TriedEdit[])[] = [];

  constructor(draw: Draw) {
    this.#draw = draw;
  }

  /**
   * @param gradient `[bytes.length, 256]`
   * @param donors chunks of a composition near the target, repeated as they occur in it; may be empty
   * @param aim where edits of this chunk start and should lead
   */
  propose(
    bytes: Uint8Array,
    gradient: Float32Array,
    count: number,
    donors: readonly Uint8Array[],
    aim: Aim,
  ): Proposal[] {
    const gains = gainsOf(bytes, gradient);
    const blends = this.#blends(bytes.length, count, donors);
    const edits = this.#together(bytes, aim);
    this.#size ??= Math.max(1, bytes.length >> 3);
    const size = this.#size;
    for (const factor of [1 / 4, 1]) edits.push(topPositions(gains, Math.ceil(size * factor)));
    const left = count - blends.length;
    while (edits.length < left) edits.push(this.#random(gains, size, donors));
    return [...blends, ...edits.slice(0, left).map((edit) => ({ bytes: applied(bytes, edit), edit }))];
  }

  /**
   * Learns from a step's scored proposals.
   *
   * @param before the sample's cosine before the step
   */
  learn(judged: readonly JudgedProposal[], before: number): void {
    const [won] = judged.filter(({ cosine }) => cosine > before).sort((a, b) => b.cosine - a.cosine);
    this.#tried.unshift(judged.flatMap(({ edit, change }) => (edit === undefined ? [] : [{ edit, change }])));
    this.#tried.splice(REMEMBERED_STEPS);
    if (won === undefined) this.#size = Math.max(2, (this.#size ?? 2) / 2);
    else if (won.edit !== undefined) this.#size = Math.max(2, Math.sqrt((this.#size ?? 2) * won.edit.size));
  }

  /** On the first call only: single chunks that come about as close as the joined donors. */
  #blends(length: number, count: number, donors: readonly Uint8Array[]): Proposal[] {
    if (this.#hasBlended || new Set(donors).size < 2) return [];
    this.#hasBlended = true;
    return Array.from({ length: Math.floor(count * BLENDS) }, (_, i) => ({
      bytes: blend(donors, length, this.#draw, i % 2 === 0),
    }));
  }

  #together(bytes: Uint8Array, aim: Aim): Edit[] {
    const tried = this.#tried.flat();
    const edits = COMBINED.map((most) => combined(bytes, tried, aim, this.#draw, most));
    return edits.filter(({ size }) => size > 0);
  }

  #random(gains: Gains, size: number, donors: readonly Uint8Array[]): Edit {
    const draw = this.#draw;
    const donor = donors[draw(Math.max(1, donors.length))];
    switch (draw(donor === undefined ? 6 : 8)) {
      case 0:
      case 1:
        return scattered(gains, draw, Math.min(gains.bytes.length >> 1, Math.ceil(4 * size)));
      case 2:
        return stretch(gains, draw);
      case 3:
      case 4:
        return periodic(gains, draw);
      case 5:
        return sprinkled(gains, draw);
      default:
        return pasted(donor!, gains, draw);
    }
  }
}

function applied(bytes: Uint8Array, edit: Edit): Uint8Array {
  const changed = bytes.slice();
  for (const [at, byte] of edit) changed[at] = byte;
  return changed;
}
