import type { QuarryError } from '../../errors/index.js';
import type { Miner, MinerEvents, MinerSummary } from '../../miner/index.js';
import { shannonsToSoma } from '../../soma/chain/index.js';
import type { Logger } from '../../telemetry/logger.js';
import { formatDuration, plainText, toJsonLine } from '../../text/index.js';
import type { CliContext } from '../context.js';
import { LiveArea, type ProgressBar } from '../live-area.js';
import { RepeatedWarnings } from './repeated-warnings.js';
import { layOut, statusParts } from './status-line.js';

export interface MiningReporterOptions {
  /** NDJSON on stdout instead of lines for people. */
  readonly json: boolean;
  /** Interval of the status line in a log; on a terminal it is live. */
  readonly statusSeconds: number;
}

const LIVE_STATUS_MS = 500;
/** How long an equal warning is counted before it is told again. */
const WARNING_QUIET_MS = 60_000;
/** Live status lines at most. */
const STATUS_LINES = 2;

/** Tells people, or programs, what a miner does: lines for events, bars for downloads, a status line for rates. */
export class MiningReporter {
  readonly #context: CliContext;
  readonly #options: MiningReporterOptions;
  readonly #live: LiveArea;
  readonly #bars = new Map<string, ProgressBar>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #warnings = new RepeatedWarnings(WARNING_QUIET_MS, () => performance.now());

  constructor(context: CliContext, options: MiningReporterOptions) {
    this.#context = context;
    this.#options = options;
    this.#live = new LiveArea({
      stream: context.stderr,
      isTty: context.isErrTty && !options.json,
      columns: () => (context.stderr as NodeJS.WriteStream).columns || 100,
      style: context.errStyle,
    });
  }

  /** A line of talk, or with `--json` an event. */
  say(text: string, event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (this.#options.json)
      this.#context.stdout.write(`${toJsonLine({ event, at: new Date().toISOString(), ...fields })}\n`);
    else this.#live.line(this.#context.isErrTty ? text : `${text}  [${new Date().toISOString()}]`);
  }

  /** A bar while something advances; draws nothing where there is no terminal. */
  bar(label: string, total: number, unit: 'bytes' | 'count'): ProgressBar {
    return this.#live.bar(label, total, unit);
  }

  /** Follows a miner until `detach`. */
  attach(miner: Miner, logger: Logger): void {
    const { green, yellow, red, dim } = this.#context.errStyle;
    const { events } = miner;
    events.on('started', (e) => this.#started(e, logger));
    events.on('fullnode', (e) => this.#fullnode(e, logger));
    events.on('model', (e) => {
      const id = short(e.modelId);
      if (e.state === 'fetching') this.#bars.set(e.modelId, this.#live.bar(`weights ${id}`, e.sizeBytes));
      else this.#endBar(e.modelId);
      const { error, ...rest } = e;
      if (error !== undefined) {
        logger.warn({ ...rest, error }, 'model failed');
        this.say(`${yellow('warning')}  model ${id}: ${plainText(error.message)}`, 'model', {
          ...rest,
          error: error.toJSON(),
        });
      } else if (e.state === 'ready') {
        logger.info(rest, 'model ready');
        this.say(`model ${id} ready${e.note === undefined ? '' : `, ${plainText(e.note)}`}`, 'model', rest);
      }
    });
    events.on('download', (e) => this.#bars.get(e.modelId)?.update(e.receivedBytes));
    events.on('scored', (e) => logger.debug(e, 'scored'));
    events.on('hit', (e) => {
      logger.info(e, 'hit');
      if (this.#options.json) this.say('', 'hit', e);
    });
    events.on('submitted', (e) => logger.debug(e, 'submitted'));
    events.on('outcome', (e) => {
      logger.info(e, e.outcome.kind);
      const word = {
        accepted: green('accepted'),
        lost: yellow('lost    '),
        rejected: red('rejected'),
        unknown: yellow('unknown '),
      }[e.outcome.kind];
      const reason = 'reason' in e.outcome ? ` "${plainText(e.outcome.reason)}"` : '';
      const distance = `${e.distance.toFixed(4)} ${dim(`< ${e.threshold.toFixed(4)}`)}`;
      this.say(
        `${word}${reason}  ${short(e.targetId)}  ${distance}  ${shannonsToSoma(e.rewardShannons)} SOMA  ${dim(plainText(e.origin))} (${Math.round(e.latencyMs)} ms)`,
        e.outcome.kind,
        { ...e, outcome: undefined, ...('reason' in e.outcome && { reason: e.outcome.reason }) },
      );
    });
    events.on('epoch', (e) => {
      logger.info(e, 'epoch');
      // Its targets are still on their way.
      this.say(`epoch ${e.epoch}`, 'epoch', e);
    });
    events.on('claimed', (e) => {
      logger.info(e, 'claimed');
      this.say(`${green('claimed ')}  ${short(e.targetId)}  ${shannonsToSoma(e.receivedShannons)} SOMA`, 'claimed', e);
    });
    events.on('warning', ({ error }) => {
      logger.warn({ error }, 'warning');
      if (!this.#warnings.isNew(error.message)) return;
      const hint = error.hint === undefined ? '' : ` (${plainText(error.hint)})`;
      this.say(`${yellow('warning')}  ${plainText(error.message)}${hint}`, 'warning', { error: error.toJSON() });
    });
    events.on('paused', (e) => this.say(`paused: ${plainText(e.reason)}`, 'paused', e));
    events.on('resumed', () => this.say('resumed', 'resumed'));
    this.#showStatus(miner, logger);
  }

  #started(e: MinerEvents['started'][0], logger: Logger): void {
    logger.info(e, 'started');
    const earlier = e.unsettled === 0 ? '' : `; settling ${e.unsettled} submissions of an earlier run beside`;
    const text = `mining as ${short(e.address)}: epoch ${e.epoch}, ${e.openTargets} open targets, ${e.models} models`;
    this.say(`${text}${earlier}`, 'started', e);
  }

  #fullnode(e: MinerEvents['fullnode'][0], logger: Logger): void {
    const { green, yellow } = this.#context.errStyle;
    if (e.state === 'back') {
      logger.info(e, 'fullnode back');
      this.say(`${green('fullnode back')} after ${formatDuration(e.lostMs)}`, 'fullnode', e);
      return;
    }
    logger.warn({ error: e.reason }, 'fullnode lost');
    const text = `fullnode lost: ${plainText(e.reason.message)}; no new targets until it is back`;
    this.say(`${yellow('warning')}  ${text}`, 'fullnode', { state: e.state, error: e.reason.toJSON() });
  }

  /** What went wrong beside the miner. */
  warn(error: QuarryError): void {
    this.say(`${this.#context.errStyle.yellow('warning')}  ${error.message}`, 'warning', { error: error.toJSON() });
  }

  /** Stops following and clears the live area. */
  detach(): void {
    this.#tellRepeated(true);
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.#bars.clear();
    this.#live.clear();
  }

  /** The last line: what came of it all. */
  summary(summary: MinerSummary, extra: Readonly<Record<string, unknown>> = {}): void {
    this.detach();
    if (this.#options.json) {
      this.say('', 'summary', { ...summary, ...extra });
      return;
    }
    // A result, not talk: what goes into a file when stdout does.
    const { green, bold } = this.#context.style;
    const line = (text: string): void => void this.#context.stdout.write(`${text}\n`);
    const s = summary;
    const soma = (shannons: bigint): string => `${shannonsToSoma(shannons)} SOMA`;
    const write = (name: string, text: string): void => line(`  ${name.padEnd(11)} ${text}`);
    line('');
    line(bold(`done in ${formatDuration(s.durationMs)}`));
    write('samples', `${s.samples} taken in, ${s.scored} scored, ${s.hits} hits`);
    const unknown = s.unknown > 0 ? `, ${s.unknown} unknown` : '';
    const composed = s.composed > 0 ? `; ${s.composed} composed` : '';
    write(
      'submitted',
      `${s.submitted}: ${green(`${s.accepted} accepted`)}, ${s.lost} lost, ${s.rejected} rejected${unknown}${composed}`,
    );
    const { p50, p99 } = s.spawnToSubmitMs;
    if (p50 !== undefined && p99 !== undefined)
      write('to submit', `${p50.toFixed(1)} ms p50, ${p99.toFixed(1)} ms p99`);
    if (s.claimed > 0)
      write('claimed', `${s.claimed} targets: ${green(soma(s.rewardShannons))} in rewards, bonds returned`);
    write('fees', soma(s.feesShannons));
    if (s.balanceShannons !== undefined) write('balance', soma(s.balanceShannons));
  }

  #showStatus(miner: Miner, logger: Logger): void {
    if (!this.#options.json) {
      this.#every(LIVE_STATUS_MS, () =>
        this.#live.status((width) => layOut(statusParts(miner.summary()), width, STATUS_LINES)),
      );
    }
    this.#every(WARNING_QUIET_MS, () => this.#tellRepeated(false));
    this.#every(this.#options.statusSeconds * 1000, () => {
      const summary = miner.summary();
      logger.info({ summary: JSON.parse(toJsonLine(summary)) as unknown }, 'status');
      if (this.#options.json) this.say('', 'status', { ...summary });
      else if (!this.#context.isErrTty) this.say(statusParts(summary, 'speed').join('  '), 'status');
    });
  }

  #tellRepeated(all: boolean): void {
    const { yellow } = this.#context.errStyle;
    for (const { text, count } of this.#warnings.takeDue(all)) {
      this.say(`${yellow('warning')}  ${count} times more: ${text}`, 'warning', { repeated: count, message: text });
    }
  }

  #every(ms: number, tick: () => void): void {
    this.#timers.push(setInterval(tick, ms).unref());
  }

  #endBar(modelId: string): void {
    this.#bars.get(modelId)?.end();
    this.#bars.delete(modelId);
  }
}

/** `0x12345678…cdef` */
function short(id: string): string {
  return `${id.slice(0, 10)}…${id.slice(-4)}`;
}
