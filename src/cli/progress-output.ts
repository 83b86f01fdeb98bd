import type { CliContext } from './context.js';
import { LiveArea } from './live-area.js';
import type { JsonFlag } from './print.js';

/** Progress on stderr: bars on a terminal; nothing otherwise or with `--json`. */
export function liveArea(context: CliContext, flags: JsonFlag): LiveArea {
  return new LiveArea({
    stream: context.stderr,
    isTty: context.isErrTty && !flags.json,
    // Some terminals report 0 for an unknown width.
    columns: () => (context.stderr as NodeJS.WriteStream).columns || 100,
    style: context.errStyle,
  });
}
