import type { Readable, Writable } from 'node:stream';
import type { Style } from '../text/index.js';
import type { KeyListening } from './terminal-keys.js';

/** What a command may touch of the process it runs in. stdout is data, stderr is talk. */
export interface CliContext {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** The environment. Handed to `src/config`; commands read it through there. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fires at the first SIGINT or SIGTERM: finish what is in flight, then end. */
  readonly signal: AbortSignal;
  /** Calls back at every SIGHUP: logs were rotated, or the terminal is gone. */
  readonly onHangup?: ((listener: () => void) => unknown) | undefined;
  /** Keys as a person presses them; absent where stdin and stderr are not a terminal of this process. */
  readonly keys?: KeyListening | undefined;
  /** Whether stdout is a terminal. */
  readonly isTty: boolean;
  /** Whether stderr is a terminal: progress is drawn there. */
  readonly isErrTty: boolean;
  /** Width of the terminal in cells, `undefined` when stdout is not one. */
  readonly columns: number | undefined;
  /** Colours for stdout. */
  readonly style: Style;
  /** Colours for stderr. */
  readonly errStyle: Style;
}
