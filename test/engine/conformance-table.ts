/** What a cell says: an error, `ok` where there is nothing to measure, or why nothing was computed. */
export type Cell =
  | { readonly kind: 'error'; readonly error: number; readonly note?: string; readonly failed?: boolean }
  | { readonly kind: 'ok'; readonly note?: string; readonly failed?: boolean }
  | { readonly kind: 'skipped'; readonly reason: string };

/**
 * Results of many engines on many cases, as text: engines down, cases across, in blocks of columns that fit a screen. A
 * cell that was never recorded reads `not run`, so that nothing is missing in silence.
 */
export class ConformanceTable {
  readonly #title: string;
  readonly #rows: readonly string[];
  readonly #blocks: readonly (readonly string[])[];
  readonly #cells = new Map<string, Cell>();
  readonly #skippedRows = new Map<string, string>();

  constructor(title: string, rows: readonly string[], blocks: readonly (readonly string[])[]) {
    this.#title = title;
    this.#rows = rows;
    this.#blocks = blocks;
  }

  record(row: string, column: string, cell: Cell): void {
    if (!this.#rows.includes(row) || !this.#blocks.flat().includes(column)) {
      throw new Error(`the table has no cell "${row}" / "${column}"`);
    }
    this.#cells.set(`${row}\n${column}`, cell);
  }

  /** An engine that does not run here at all. */
  skipRow(row: string, reason: string): void {
    this.#skippedRows.set(row, reason);
  }

  toString(): string {
    const notes: string[] = [];
    const noteOf = (text: string): string => {
      if (!notes.includes(text)) notes.push(text);
      return `[${notes.indexOf(text) + 1}]`;
    };
    const first = Math.max(...this.#rows.map((row) => row.length));
    const blocks = this.#blocks.map((columns) => {
      const texts = this.#rows.map((row) => columns.map((column) => this.#text(row, column, noteOf)));
      const widths = columns.map((column, i) => Math.max(column.length, ...texts.map((cells) => cells[i]!.length)));
      const line = (head: string, cells: readonly string[]): string =>
        `${head.padEnd(first)}  ${cells.map((cell, i) => cell.padStart(widths[i]!)).join('  ')}`;
      const body = this.#rows.map((row, r) => {
        const reason = this.#skippedRows.get(row);
        return reason === undefined ? line(row, texts[r]!) : `${row.padEnd(first)}  skipped: ${reason}`;
      });
      return [line('', columns), ...body].join('\n');
    });
    const legend = notes.map((note, i) => `[${i + 1}] ${note}`);
    return [this.#title, ...blocks, ...(legend.length > 0 ? [legend.join('\n')] : [])].join('\n\n');
  }

  #text(row: string, column: string, noteOf: (text: string) => string): string {
    if (this.#skippedRows.has(row)) return '';
    const cell = this.#cells.get(`${row}\n${column}`);
    if (cell === undefined) return 'not run';
    if (cell.kind === 'skipped') return `skip ${noteOf(cell.reason)}`;
    const value = cell.kind === 'ok' ? (cell.failed ? '' : 'ok') : cell.error === 0 ? '0' : cell.error.toExponential(0);
    const note = cell.note === undefined ? '' : noteOf(cell.note);
    return [cell.failed ? 'FAIL' : '', value, note].filter((part) => part !== '').join(' ');
  }
}
