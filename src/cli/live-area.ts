import type { Writable } from 'node:stream';
import { formatBytes, formatDuration, formatRate, type Style, terminalText, truncate } from '../text/index.js';

/** A progress bar. */
export interface ProgressBar {
  update(done: number): void;
  /** Removes the bar. */
  end(): void;
}

export interface ProgressOptions {
  readonly stream: Writable;
  /** Whether `stream` is a terminal. If not, bars draw nothing and only lines are printed. */
  readonly isTty: boolean;
  readonly columns: () => number;
  readonly style: Style;
}

const REDRAW_MS = 80;
const BAR_CELLS = 24;

/** The area at the bottom of a terminal with progress bars and status, redrawn in place while lines scroll above it. */
export class LiveArea {
  readonly #options: ProgressOptions;
  readonly #bars = new Map<
    number,
    { label: string; unit: 'bytes' | 'count'; total: number; done: number; since: number }
  >();
  #status: ((width: number) => readonly string[]) | undefined;
  #drawn = 0;
  #nextId = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /**
   * Prints a line above the live area.
   *
   * @param stream stream to print to, if not the area's own; must be the same terminal
   */
  line(text: string, stream = this.#options.stream): void {
    this.#erase();
    stream.write(`${terminalText(text)}\n`);
    this.#draw();
  }

  bar(label: string, total: number, unit: 'bytes' | 'count' = 'bytes'): ProgressBar {
    const id = this.#nextId++;
    this.#bars.set(id, { label, unit, total, done: 0, since: performance.now() });
    this.#schedule();
    return {
      update: (done) => {
        const bar = this.#bars.get(id);
        if (bar !== undefined) bar.done = done;
        this.#schedule();
      },
      end: () => {
        this.#bars.delete(id);
        this.#schedule();
      },
    };
  }

  /** Replaces the status, a function from the width in cells to lines that is called on every redraw. */
  status(lines: (width: number) => readonly string[]): void {
    this.#status = lines;
    this.#schedule();
  }

  /** Erases the area, which can be used again. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#erase();
    this.#bars.clear();
    this.#status = undefined;
  }

  #schedule(): void {
    if (!this.#options.isTty || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#erase();
      this.#draw();
    }, REDRAW_MS);
    this.#timer.unref();
  }

  #erase(): void {
    // Start from the first column: a key or ^C echoed by the terminal has moved the cursor.
    if (this.#drawn > 0) this.#options.stream.write(`\r\u001b[${this.#drawn}A\u001b[0J`);
    this.#drawn = 0;
  }

  #draw(): void {
    if (!this.#options.isTty) return;
    const width = Math.max(20, this.#options.columns() - 1);
    const lines = [...this.#bars.values()].map((bar) => this.#render(bar));
    for (const line of this.#status?.(width) ?? []) lines.push(line);
    for (const line of lines) this.#options.stream.write(`${truncate(terminalText(line), width)}\n`);
    this.#drawn = lines.length;
  }

  #render(bar: { label: string; unit: 'bytes' | 'count'; total: number; done: number; since: number }): string {
    const share = bar.total > 0 ? Math.min(1, bar.done / bar.total) : 0;
    const filled = Math.round(share * BAR_CELLS);
    const seconds = (performance.now() - bar.since) / 1000;
    const rate = seconds > 0.2 ? bar.done / seconds : 0;
    const left = rate > 0 && bar.done < bar.total ? formatDuration(((bar.total - bar.done) / rate) * 1000) : '';
    const amount =
      bar.unit === 'bytes'
        ? `${formatBytes(bar.done)} of ${formatBytes(bar.total)}  ${formatBytes(Math.round(rate))}/s`
        : `${bar.done} of ${bar.total}  ${formatRate(rate)}/s`;
    const cells = `${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)}`;
    return `  ${bar.label.padEnd(22)} ${cells} ${(share * 100).toFixed(0).padStart(3)} %  ${amount}  ${left}`.trimEnd();
  }
}
