import { setImmediate } from 'node:timers/promises';
import type { Draw } from './draw.js';

/** Values of a byte. */
const BYTES = 256;
/** How far a logit that always grows gets in all steps together: the positions settle at the same pace however many there are. */
const WAY = 200;
/** Decay of the gradient's running mean and of its square's, as Adam has them. */
const [DECAY, SQUARE_DECAY] = [0.9, 0.999];
/** Keeps Adam from dividing by zero. */
const LEAST_ROOT = 1e-12;
/** The softmax's temperature on the first step and on the last, by when nearly every position is one byte. */
const [WARM, COLD] = [1, 0.12];
/** Positions in a row on the thread that also races for targets: about a millisecond. */
const POSITIONS_AT_ONCE = 64;
/** The first logits spread evenly over this range around zero. */
const SPREAD = Math.sqrt(3);

/**
 * A chunk whose positions are distributions over byte values, softmaxes of logits. Steps along gradients (Adam) move
 * the logits while the softmax cools, until every position has settled on one byte. A mixture passes between bytes
 * where changing one byte at a time would stop.
 */
export class Relaxation {
  readonly #logits: Float32Array;
  readonly #mean: Float32Array;
  readonly #square: Float32Array;
  readonly #steps: number;
  readonly #mixture: Float32Array;
  #taken = 0;

  /**
   * @param positions bytes of the chunk
   * @param steps until it has cooled
   */
  constructor(positions: number, steps: number, draw: Draw) {
    this.#logits = Float32Array.from({ length: positions * BYTES }, () => SPREAD * (draw(2 ** 20) / 2 ** 20 - 0.5));
    this.#mean = new Float32Array(this.#logits.length);
    this.#square = new Float32Array(this.#logits.length);
    this.#steps = steps;
    this.#mixture = new Float32Array(this.#logits.length);
    for (let at = 0; at < this.#logits.length; at += BYTES) this.#mix(at, WARM);
  }

  /** Whether all steps are taken. */
  get isOver(): boolean {
    return this.#taken >= this.#steps;
  }

  /** `[positions, 256]`; every step changes it. */
  get mixture(): Float32Array {
    return this.#mixture;
  }

  /**
   * Takes a step, in slices that let other work run.
   *
   * @param gradient of what is to grow, with respect to the {@link mixture}
   */
  async climb(gradient: Float32Array): Promise<void> {
    const temperature = this.#temperature;
    this.#taken++;
    for (let at = 0; at < gradient.length; at += BYTES) {
      if (at > 0 && at % (POSITIONS_AT_ONCE * BYTES) === 0) await setImmediate();
      this.#move(at, gradient, temperature);
      this.#mix(at, this.#temperature);
    }
  }

  /** The most likely byte at each position. */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.#logits.length / BYTES);
    for (let i = 0; i < bytes.length; i++) {
      const row = this.#logits.subarray(i * BYTES, (i + 1) * BYTES);
      bytes[i] = row.indexOf(row.reduce((most, logit) => Math.max(most, logit)));
    }
    return bytes;
  }

  get #temperature(): number {
    return WARM * (COLD / WARM) ** (Math.min(this.#taken, this.#steps - 1) / Math.max(1, this.#steps - 1));
  }

  /** One position's logits, along the slope of what is to grow. */
  #move(at: number, gradient: Float32Array, temperature: number): void {
    const mixture = this.#mixture;
    const rate = WAY / this.#steps / (1 - DECAY ** this.#taken);
    const squareScale = 1 - SQUARE_DECAY ** this.#taken;
    let average = 0;
    for (let b = at; b < at + BYTES; b++) average += mixture[b]! * gradient[b]!;
    for (let b = at; b < at + BYTES; b++) {
      const slope = (mixture[b]! * (gradient[b]! - average)) / temperature;
      const mean = DECAY * this.#mean[b]! + (1 - DECAY) * slope;
      const square = SQUARE_DECAY * this.#square[b]! + (1 - SQUARE_DECAY) * slope ** 2;
      this.#mean[b] = mean;
      this.#square[b] = square;
      this.#logits[b] = this.#logits[b]! + (rate * mean) / (Math.sqrt(square / squareScale) + LEAST_ROOT);
    }
  }

  /** One position's distribution. */
  #mix(at: number, temperature: number): void {
    const [logits, mixture] = [this.#logits, this.#mixture];
    let largest = Number.NEGATIVE_INFINITY;
    for (let b = at; b < at + BYTES; b++) largest = Math.max(largest, logits[b]!);
    let sum = 0;
    for (let b = at; b < at + BYTES; b++) {
      mixture[b] = Math.exp((logits[b]! - largest) / temperature);
      sum += mixture[b]!;
    }
    for (let b = at; b < at + BYTES; b++) mixture[b] = mixture[b]! / sum;
  }
}
