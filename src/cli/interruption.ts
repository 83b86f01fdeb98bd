/**
 * The reason of a command's signal. Has the name of other aborts, as code that checks a signal, or waits with it, throws the
 * reason itself.
 */
export class Interruption extends Error {
  override readonly name = 'AbortError';
  readonly by: NodeJS.Signals | 'EPIPE';

  /** @param by the signal that the process got; `EPIPE`: nobody reads what it prints */
  constructor(by: NodeJS.Signals | 'EPIPE') {
    super(`interrupted by ${by}`);
    this.by = by;
  }
}
