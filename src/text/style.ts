/** Styles for one output stream; with colour off, every function returns its argument unchanged. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

const wrap =
  (open: number, close: number) =>
  (text: string): string =>
    `\u001b[${open}m${text}\u001b[${close}m`;
const same = (text: string): string => text;

/** Creates ANSI SGR styles, or no-ops. The caller decides (`NO_COLOR`, not a terminal). */
export function createStyle(enabled: boolean): Style {
  if (!enabled) return { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same };
  return {
    bold: wrap(1, 22),
    dim: wrap(2, 22),
    red: wrap(31, 39),
    green: wrap(32, 39),
    yellow: wrap(33, 39),
    cyan: wrap(36, 39),
  };
}
