import { Column } from './column.js';
import { type LossErrorBound, lossBoundOf } from './loss-error-bound.js';
import { type RowSelection, SKIPPED_TABLE } from './row-scanner.js';
import type { SampleLog } from './sample-log.js';
import type { ScoreLog } from './score-log.js';

/**
 * `unsettled`: a near-tie that scoring in f32 may settle. `undecidable`: one that f32 cannot settle, so that the sample
 * cannot be used for targets with these models.
 */
export type Certainty = 'decided' | 'unsettled' | 'undecidable';

/** Whether f32 may give a finite loss: low precision can overflow where f32 does not, unless the model is broken. */
function mayBecomeFinite(log: ScoreLog, row: number): boolean {
  return log.precision(row) !== 'f32' && !log.neverFinite;
}

/**
 * Index of the samples scored under every model of an ordered list, each with its winner's row. Updated as scores
 * arrive, so that a scan for a new target can start at once.
 *
 * When a sample's winner changes, its position is retired and a new one is added, so that a scan on another thread
 * never sees a partial update.
 */
export class WinnerIndex {
  readonly logs: readonly ScoreLog[];
  readonly #samplesLog: SampleLog;
  readonly #samples = new Column((n) => new Uint32Array(n));
  readonly #tables = new Column((n) => new Uint8Array(n));
  readonly #rows = new Column((n) => new Uint32Array(n));
  /** Position of each sample plus one. */
  readonly #positions = new Column((n) => new Uint32Array(n));

  constructor(logs: readonly ScoreLog[], samples: SampleLog) {
    this.logs = logs;
    this.#samplesLog = samples;
    const fewest = logs.reduce((a, b) => (b.count < a.count ? b : a));
    for (const column of [this.#samples, this.#tables, this.#rows]) column.reserve(fewest.count);
    for (let row = 0; row < fewest.count; row++) this.update(fewest.samples.array[row]!);
  }

  /** Number of positions, including retired ones. */
  get count(): number {
    return this.#samples.length;
  }

  sampleAt(position: number): number {
    return this.#samples.array[position]!;
  }

  /** Index of the winning model at a position; undefined if retired. */
  winnerAt(position: number): number | undefined {
    const table = this.#tables.array[position]!;
    return table === SKIPPED_TABLE ? undefined : table;
  }

  positionOf(sampleId: number): number | undefined {
    const position = sampleId < this.#positions.length ? this.#positions.array[sampleId]! : 0;
    return position === 0 ? undefined : position - 1;
  }

  /** Updates a sample after new scores or a tombstone. */
  update(sampleId: number): void {
    const winner = this.#samplesLog.dead.array[sampleId] === 1 ? undefined : this.winner(sampleId);
    const old = this.positionOf(sampleId);
    if (winner === undefined) {
      if (old !== undefined) this.#tables.array[old] = SKIPPED_TABLE;
      return;
    }
    if (old !== undefined) {
      if (this.#tables.array[old] === winner.index && this.#rows.array[old] === winner.row) return;
      this.#tables.array[old] = SKIPPED_TABLE;
    }
    this.#samples.push(sampleId);
    this.#rows.push(winner.row);
    this.#tables.push(winner.index);
    this.#positions.set(sampleId, this.count);
  }

  /**
   * The winner as picked by the protocol's CPU reference (`models/src/select_best.rs`): starts with model 0 and moves
   * only to a strictly lower loss. So ties go to the lower index, a leading NaN stays, and a later NaN never wins.
   */
  winner(sampleId: number): { index: number; row: number; loss: number } | undefined {
    let best: { index: number; row: number; loss: number } | undefined;
    for (let index = 0; index < this.logs.length; index++) {
      const log = this.logs[index]!;
      const row = log.rowOf(sampleId);
      if (row === undefined) return undefined;
      const loss = log.losses.array[row]!;
      if (best === undefined || loss < best.loss) best = { index, row, loss };
    }
    return best;
  }

  /**
   * How certain a sample's winner is. Losses within their error bounds are a tie, and so is a non-finite winner. A
   * non-finite rival neither wins nor ties if it is f32 or its model was never finite. A model named twice is not its
   * own rival, nor is a copy with bit-identical loss and row: every engine finds them equal, and the lower index wins.
   */
  certainty(sampleId: number, bound: LossErrorBound = {}): Certainty {
    const best = this.winner(sampleId);
    if (best === undefined) return 'decided';
    const winning = this.logs[best.index]!;
    let tied = !Number.isFinite(best.loss);
    let mayChange = tied && mayBecomeFinite(winning, best.row);
    for (const log of this.logs) {
      if (log === winning) continue;
      const row = log.rowOf(sampleId)!;
      const loss = log.losses.array[row]!;
      if (!Number.isFinite(loss)) {
        if (mayBecomeFinite(log, row)) tied = mayChange = true;
      } else if (loss - best.loss <= lossBoundOf(log, row, bound) + lossBoundOf(winning, best.row, bound)) {
        if (loss === best.loss && log.rowCrcs.array[row] === winning.rowCrcs.array[best.row]) continue;
        tied = true;
        mayChange ||= log.precision(row) !== 'f32' || winning.precision(best.row) !== 'f32';
      }
    }
    if (!tied) return 'decided';
    return mayChange ? 'unsettled' : 'undecidable';
  }

  /**
   * Pairs of models whose losses are within `bound` on all of the latest samples: copies, or a model trained so little
   * further that scores cannot tell them apart.
   *
   * @param least minimum samples before any pair is reported
   * @param most samples compared at most
   * @returns pairs of indices into {@link logs}, the lower one first
   */
  lookAlikes(bound: number, least = 16, most = 256): [number, number][] {
    const alike = this.logs.flatMap((log, a) =>
      this.logs.slice(a + 1).flatMap((other, i): [number, number][] => (other === log ? [] : [[a, a + 1 + i]])),
    );
    const differ = new Set<[number, number]>();
    let looked = 0;
    for (let position = this.count - 1; position >= 0 && looked < most; position--) {
      if (this.winnerAt(position) === undefined) continue;
      looked++;
      const losses = this.logs.map((log) => log.losses.array[log.rowOf(this.sampleAt(position))!]!);
      for (const pair of alike) if (!(Math.abs(losses[pair[0]]! - losses[pair[1]]!) <= bound)) differ.add(pair);
    }
    return looked < least ? [] : alike.filter((pair) => !differ.has(pair));
  }

  /** The selection of all positions, or only of those of `samples`, for a scanner. */
  selection(samples?: readonly number[]): RowSelection & { readonly positions: Uint32Array | undefined } {
    const sources = this.logs.map((log) => ({ f32Path: log.f32Path, bf16Path: log.bf16Path, rows: log.count }));
    const dim = this.logs[0]!.embeddingDim;
    if (samples === undefined) {
      const { array: tables } = this.#tables;
      return { sources, tables, rows: this.#rows.array, count: this.count, dim, positions: undefined };
    }
    const positions = Uint32Array.from(samples.map((id) => this.positionOf(id)).filter((p) => p !== undefined));
    return {
      sources,
      tables: Uint8Array.from(positions, (p) => this.#tables.array[p]!),
      rows: Uint32Array.from(positions, (p) => this.#rows.array[p]!),
      count: positions.length,
      dim,
      positions,
    };
  }

  get byteLength(): number {
    return this.#samples.byteLength + this.#tables.byteLength + this.#rows.byteLength + this.#positions.byteLength;
  }
}
