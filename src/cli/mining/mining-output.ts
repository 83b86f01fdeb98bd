import { toJsonLine } from '../../text/index.js';
import { terminalText } from '../../text/plain-text.js';
import type { CliContext } from '../context.js';
import { LiveArea, type ProgressBar } from '../live-area.js';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Where a mining command writes: results to stdout, talk to stderr, each line with its time; or every event as a line of
 * JSON on stdout. On a terminal lines scroll above a live area.
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

  /** A line of talk, or with `--json` an event. */
  say(text: string, event: string, fields: Fields = {}): void {
    if (this.json) this.event(event, fields);
    else this.#live.line(this.#timed(text, new Date(), this.#context.isErrTty));
  }

  /** A line of talk without its time, for what belongs together; with `--json` nothing. */
  plain(text: string): void {
    if (!this.json) this.#live.line(text);
  }

  /**
   * A line of results, for people.
   *
   * @param at when it happened
   */
  result(text: string, at = new Date()): void {
    const { stdout, isTty, isErrTty } = this.#context;
    const line = this.#timed(text, at, isTty);
    // Two streams on one terminal share its last line.
    if (isTty && isErrTty) this.#live.line(line, stdout);
    else stdout.write(`${terminalText(line)}\n`);
  }

  /** A line of JSON on stdout. */
  event(event: string, fields: Fields): void {
    this.#context.stdout.write(`${toJsonLine({ event, at: new Date().toISOString(), ...fields })}\n`);
  }

  /** A bar while something advances; draws nothing where there is no terminal. */
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

  /** A person at a terminal wants the time of day, a reader of a file the whole instant, behind the words searched for. */
  #timed(text: string, at: Date, onTerminal: boolean): string {
    if (!onTerminal) return `${text}  [${at.toISOString()}]`;
    const [hours, minutes, seconds] = [at.getHours(), at.getMinutes(), at.getSeconds()];
    const clock = [hours, minutes, seconds].map((part) => String(part).padStart(2, '0')).join(':');
    return `${this.#context.errStyle.dim(clock)}  ${text}`;
  }
}
