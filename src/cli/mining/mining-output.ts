import { toJsonLine } from '../../text/index.js';
import { terminalText } from '../../text/plain-text.js';
import type { CliContext } from '../context.js';
import { LiveArea, type ProgressBar } from '../live-area.js';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Output of a mining command: results to stdout and messages to stderr, with timestamps; or every event as a JSON line
 * on stdout. On a terminal, lines scroll above a live area.
 */
export class MiningOutput {
  readonly json: boolean;
  readonly #context: CliContext;
  readonly #live: LiveArea;

  constructor(context: CliContext, json: boolean) {
    this.json = json;
    this.#context = context;
    this.#live = new LiveArea({
      stream: context.stderr,
      isTty: context.isErrTty && !json,
      columns: () => (context.stderr as NodeJS.WriteStream).columns || 100,
      style: context.errStyle,
    });
  }

  /** Prints a message; with `--json`, an event. */
  say(text: string, event: string, fields: Fields = {}): void {
    if (this.json) this.event(event, fields);
    else this.#live.line(this.#timed(text, new Date(), this.#context.isErrTty));
  }

  /** Prints a message without timestamp, for multi-line text; nothing with `--json`. */
  plain(text: string): void {
    if (!this.json) this.#live.line(text);
  }

  /**
   * Prints a result for people.
   *
   * @param at when it happened
   */
  result(text: string, at = new Date()): void {
    const { stdout, isTty, isErrTty } = this.#context;
    const line = this.#timed(text, at, isTty);
    // If both streams share a terminal, they also share the live area.
    if (isTty && isErrTty) this.#live.line(line, stdout);
    else stdout.write(`${terminalText(line)}\n`);
  }

  /** Prints a JSON line on stdout. */
  event(event: string, fields: Fields): void {
    this.#context.stdout.write(`${toJsonLine({ event, at: new Date().toISOString(), ...fields })}\n`);
  }

  /** Starts a progress bar; draws nothing without a terminal. */
  bar(label: string, total: number, unit: 'bytes' | 'count' = 'bytes'): ProgressBar {
    return this.#live.bar(label, total, unit);
  }

  /** Replaces the live status. */
  status(lines: (width: number) => readonly string[]): void {
    if (!this.json) this.#live.status(lines);
  }

  /** Removes the live area. */
  clear(): void {
    this.#live.clear();
  }

  /**
   * Terminals show the time of day at the start of the line; files get the full timestamp at the end, after the words
   * people search for.
   */
  #timed(text: string, at: Date, onTerminal: boolean): string {
    if (!onTerminal) return `${text}  [${at.toISOString()}]`;
    const [hours, minutes, seconds] = [at.getHours(), at.getMinutes(), at.getSeconds()];
    const clock = [hours, minutes, seconds].map((part) => String(part).padStart(2, '0')).join(':');
    return `${this.#context.errStyle.dim(clock)}  ${text}`;
  }
}
