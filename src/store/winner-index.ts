import { Column } from './growable.js';
import { type RowSelection, SKIPPED_TABLE } from './row-scanner.js';
import type { SampleLog } from './sample-log.js';
import type { ScoreLog } from './score-log.js';

/** Absolute error of the losses an engine reports, by which two of them may trade places. */
export interface LossErrorBound {
  /** Of losses computed in f32. Default 1e-5: below it f32 rounding decides. */
  readonly f32?: number | undefined;
  /** Of losses computed in bf16 or f16, as the engine measured it at load. Default 2e-3. */
  readonly low?: number | undefined;
}

/**
 * `unsettled`: a tie that scoring again in f32 may settle; `undecidable`: one that it cannot, so that the sample is of
 * no use to targets with these models.
 */
export type Certainty = 'decided' | 'unsettled' | 'undecidable';

function boundOf(log: ScoreLog, row: number, bound: LossErrorBound): number {
  return log.precision(row) === 'f32' ? (bound.f32 ?? 1e-5) : (bound.low ?? 2e-3);
}

/** Low precision may overflow where f32 does not; a model that f32 found broken stays broken. */
function mayBecomeFinite(log: ScoreLog, row: number): boolean {
  return log.precision(row) !== 'f32' && !log.neverFinite;
}

/**
 * The samples scored under every model of one ordered list, each with the row of its winner: kept up to date as scores
 * arrive, so that a new target with these models starts scanning at once.
 *
 * A position whose winner changes is retired and the new winner takes a new position, so that a scan on another thread
 * never sees half a change.
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

  /** Positions in use, retired ones included. */
  get count(): number {
    return this.#samples.length;
  }

  sampleAt(position: number): number {
    return this.#samples.array[position]!;
  }

  /** The winning model's index at a position, or undefined when the position was retired. */
  winnerAt(position: number): number | undefined {
    const table = this.#tables.array[position]!;
    return table === SKIPPED_TABLE ? undefined : table;
  }

  positionOf(sampleId: number): number | undefined {
    const position = sampleId < this.#positions.length ? this.#positions.array[sampleId]! : 0;
    return position === 0 ? undefined : position - 1;
  }

  /** Takes up what is now known about a sample: a first complete set of scores, a better one, or its death. */
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
   * The winner as the protocol's CPU reference picks it: start with model 0 and move only on a strictly lower loss, so
   * that ties go to the lower index, a NaN first stays and a NaN later never wins (`models/src/select_best.rs`).
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
   * How sure the winner of a sample is. Losses too close to call are a tie; so is a winner that is not finite. A rival
   * that is not finite never wins and never ties, once f32 has said so or the model was never seen finite. The same
   * model named twice is not a rival of itself, nor is a copy that gives the same loss and the same row to the last bit:
   * every engine finds them equal, and the lower index wins.
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
      } else if (loss - best.loss <= boundOf(log, row, bound) + boundOf(winning, best.row, bound)) {
        if (loss === best.loss && log.rowCrcs.array[row] === winning.rowCrcs.array[best.row]) continue;
        tied = true;
        mayChange ||= log.precision(row) !== 'f32' || winning.precision(best.row) !== 'f32';
      }
    }
    if (!tied) return 'decided';
    return mayChange ? 'unsettled' : 'undecidable';
  }

  /**
   * Pairs of models whose losses were within `bound` of each other for each of the samples looked at last: copies, or
   * one trained so little further that no score can tell them apart.
   *
   * @returns indices into {@link logs}, the lower one first; nothing before `least` samples were scored
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

  /** All positions, or those of `samples` only, for a scanner. */
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
