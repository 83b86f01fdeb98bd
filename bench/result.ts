/** One line of a benchmark: what was measured, beside the limit of the machine, its error and a peer. */
export interface BenchResult {
  /** Name of the bench: `gemm`, `forward`, … */
  readonly bench: string;
  /** What was run: shape, model, number of rows. */
  readonly case: string;
  /** Engine or library that ran it. */
  readonly engine: string;
  /** Instruction-set level, where the engine has levels. */
  readonly isa: string | null;
  readonly precision: string | null;
  readonly threads: number | null;
  /** Null where the case was skipped; `note` says why. */
  readonly value: number | null;
  readonly unit: string;
  /** The machine's own limit, measured in the same run, in the same unit. */
  readonly limit: number | null;
  /** `value / limit`, or its inverse where less is better: 1 is the limit. */
  readonly ratio: number | null;
  /** Error of the result checked before timing; `note` or the bench says against what. */
  readonly error: number | null;
  /** A library that did the same in the same run; named without a ratio or a value where it was skipped. */
  readonly peer: string | null;
  /** How many times faster than the peer. */
  readonly peerRatio: number | null;
  /** The peer's own speed, in `unit`, where it ran. */
  readonly peerValue?: number | undefined;
  /** Error of the peer's result, checked before it was timed. */
  readonly peerError?: number | undefined;
  readonly note?: string | undefined;
}

/** What every bench takes. */
export interface BenchOptions {
  /** Only a result to be printed as JSON; benches then keep notes short. */
  readonly json?: boolean | undefined;
  /** Thread counts to run with. Default: 1 and all processors. */
  readonly threads?: readonly number[] | undefined;
  /** Times other libraries beside ours, those that are installed. Default: unless `quick`. */
  readonly peers?: boolean | undefined;
  /** Python interpreter with the peers' packages. Default `python3`. */
  readonly python?: string | undefined;
  /** Smaller shapes and fewer repetitions, for a smoke test. */
  readonly quick?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Fills a result's fields that a case does not have with null. */
export function benchResult(
  fields: Pick<BenchResult, 'bench' | 'case' | 'engine' | 'unit'> & Partial<BenchResult>,
): BenchResult {
  const { bench, case: name, engine, unit, note } = fields;
  return {
    bench,
    case: name,
    engine,
    isa: fields.isa ?? null,
    precision: fields.precision ?? null,
    threads: fields.threads ?? null,
    value: fields.value ?? null,
    unit,
    limit: fields.limit ?? null,
    ratio: fields.ratio ?? null,
    error: fields.error ?? null,
    peer: fields.peer ?? null,
    peerRatio: fields.peerRatio ?? null,
    note,
  };
}
