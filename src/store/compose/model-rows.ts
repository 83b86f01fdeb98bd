import { JOINING_NOISE } from '../../engine/joining-noise.js';
import { type LossErrorBound, lossBoundOf } from '../loss-error-bound.js';
import type { SampleLog } from '../sample-log.js';
import type { ScoreLog } from '../score-log.js';
import { createPool } from './create-pool.js';
import type { ComposePool } from './pool.js';

/** Rows read and added to the pool at a time. */
const BATCH = 256;

interface KnownLeads {
  readonly version: string;
  readonly leads: Float32Array;
}

/** Options of {@link ModelRows}. */
export interface ModelRowsOptions {
  /** Maximum rows. */
  readonly capacity: number;
  /** Uses only samples of exactly this size, bytes. */
  readonly chunkBytes: number;
  /** Uses only samples with ids below this. */
  readonly below: number;
}

/** The pool of a model's one-chunk rows, kept in sync with the store. */
export class ModelRows {
  readonly log: ScoreLog;
  readonly pool: ComposePool;
  readonly #samples: SampleLog;
  readonly #options: ModelRowsOptions;
  /** Sample id of each slot; -1 if empty. */
  readonly #sampleAt: Int32Array;
  readonly #slotOf = new Map<number, number>();
  /** Cached leads by rival; weak, so that they go when the rival's scores are dropped. */
  readonly #leads = new WeakMap<ScoreLog, KnownLeads>();
  #seen = 0;
  #slots = 0;
  #version = 0;

  constructor(log: ScoreLog, samples: SampleLog, options: ModelRowsOptions) {
    this.log = log;
    this.pool = createPool(log.embeddingDim, options.capacity);
    this.#samples = samples;
    this.#options = options;
    this.#sampleAt = new Int32Array(options.capacity).fill(-1);
  }

  /** Memory of a full pool, bytes. */
  static bytes(dim: number, capacity: number): number {
    return capacity * (6 * dim + 4 * capacity);
  }

  sampleAt(slot: number): number {
    return this.#sampleAt[slot]!;
  }

  /** Whether all rows of the store have been considered. */
  get isCurrent(): boolean {
    return this.#seen >= this.log.count;
  }

  /** Adds at most `most` new rows and removes those of tombstoned samples. */
  async update(most: number): Promise<void> {
    await this.#dropDead();
    for (let left = most; left > 0 && this.#seen < this.log.count; left -= BATCH) {
      const end = Math.min(this.log.count, this.#seen + Math.min(left, BATCH));
      const wanted: number[] = [];
      for (; this.#seen < end; this.#seen++) if (this.#isWanted(this.#seen)) wanted.push(this.#seen);
      await this.#put(wanted);
    }
  }

  /** Lead of each row's loss over the rival's, less the error bounds; NaN if the rival has no score. */
  leadsOver(rival: ScoreLog, bounds: LossErrorBound): Float32Array {
    const version = `${this.#version} ${this.log.count} ${rival.count} ${bounds.f32} ${bounds.low}`;
    const known = this.#leads.get(rival);
    if (known?.version === version) return known.leads;
    const leads = Float32Array.from(this.#sampleAt.subarray(0, this.#slots), (sample) => {
      const own = sample < 0 ? undefined : this.log.rowOf(sample);
      const other = sample < 0 ? undefined : rival.rowOf(sample);
      if (own === undefined || other === undefined) return Number.NaN;
      return leadOfRow(this.log, own, rival, other, bounds);
    });
    this.#leads.set(rival, { version, leads });
    return leads;
  }

  #isWanted(row: number): boolean {
    const sample = this.log.samples.array[row]!;
    const { sizes, dead } = this.#samples;
    return (
      sizes.array[sample] === this.#options.chunkBytes &&
      sample < this.#options.below &&
      dead.array[sample] !== 1 &&
      this.log.rowOf(sample) === row &&
      Number.isFinite(this.log.losses.array[row]!)
    );
  }

  async #put(rows: readonly number[]): Promise<void> {
    if (rows.length === 0) return;
    const dim = this.log.embeddingDim;
    const samples = rows.map((row) => this.log.samples.array[row]!);
    const embeddings = new Float32Array(rows.length * dim);
    for (const [i, row] of rows.entries()) embeddings.set(this.log.embedding(row), i * dim);
    const wanted = Int32Array.from(samples, (sample) => this.#slotOf.get(sample) ?? -1);
    const slots = await this.pool.put(wanted, embeddings);
    for (const [i, slot] of slots.entries()) if (slot >= 0) this.#remember(slot, samples[i]!);
    this.#version++;
  }

  #remember(slot: number, sample: number): void {
    this.#slotOf.delete(this.#sampleAt[slot]!);
    this.#sampleAt[slot] = sample;
    this.#slotOf.set(sample, slot);
    this.#slots = Math.max(this.#slots, slot + 1);
  }

  async #dropDead(): Promise<void> {
    const { dead } = this.#samples;
    const gone: number[] = [];
    for (let slot = 0; slot < this.#slots; slot++) {
      const sample = this.#sampleAt[slot]!;
      if (sample >= 0 && (dead.array[sample] === 1 || this.log.rowOf(sample) === undefined)) gone.push(slot);
    }
    if (gone.length === 0) return;
    for (const slot of gone) {
      this.#slotOf.delete(this.#sampleAt[slot]!);
      this.#sampleAt[slot] = -1;
    }
    await this.pool.put(Int32Array.from(gone), new Float32Array(gone.length * this.pool.dim));
    this.#version++;
  }
}

/** Lead of a row's loss over the same sample's loss under a rival, less the error bounds. */
export function leadOfRow(own: ScoreLog, row: number, rival: ScoreLog, other: number, bounds: LossErrorBound): number {
  const lead = rival.losses.array[other]! - own.losses.array[row]!;
  return lead - lossBoundOf(rival, other, bounds) - lossBoundOf(own, row, bounds) - JOINING_NOISE;
}
