import type { Readable, Writable } from 'node:stream';
import type { Style } from '../text/index.js';
import type { KeyListening } from './terminal-keys.js';

/** Everything a command may access of its process. stdout is for data, stderr for messages. */
export interface CliContext {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** The environment. Commands read settings from it through `src/config`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fires on the first SIGINT or SIGTERM: finish what is in flight, then end. */
  readonly signal: AbortSignal;
  /** Registers a callback for SIGHUP: logs were rotated, or the terminal is gone. */
  readonly onHangup?: ((listener: () => void) => unknown) | undefined;
  /** Keys pressed by the user; absent unless stdin and stderr are a terminal of this process. */
  readonly keys?: KeyListening | undefined;
  /** Whether stdout is a terminal. */
  readonly isTty: boolean;
  /** Whether stderr is a terminal that can show progress. */
  readonly isErrTty: boolean;
  /** Width of the terminal in cells; `undefined` if stdout is not a terminal. */
  readonly columns: number | undefined;
  /** Colours for stdout. */
  readonly style: Style;
  /** Colours for stderr. */
  readonly errStyle: Style;
}
