import type { QuarryError } from '../../errors/index.js';
import type { Miner, MinerEvents, MinerSummary } from '../../miner/index.js';
import { shannonsToSoma } from '../../soma/chain/index.js';
import type { Logger } from '../../telemetry/logger.js';
import { formatDuration, plainText } from '../../text/index.js';
import type { CliContext } from '../context.js';
import type { ProgressBar } from '../live-area.js';
import { MiningOutput } from './mining-output.js';
import { OutcomeBursts } from './outcome-bursts.js';
import { outcomeLines } from './outcome-lines.js';
import { RepeatedWarnings } from './repeated-warnings.js';
import { shortId } from './short-id.js';
import { parseStatusFormat } from './status-format.js';
import { layOut, statusParts } from './status-line.js';
import { summaryLines } from './summary-lines.js';

export interface MiningReporterOptions {
  /** NDJSON on stdout instead of lines for people. */
  readonly json: boolean;
  /** Interval of status lines in a log, seconds; on a terminal the status is live. */
  readonly statusSeconds: number;
  /** Template of the status line. Default: the most important fields first, as many as fit. */
  readonly statusFormat?: string | undefined;
}

const LIVE_STATUS_MS = 500;
/** Identical warnings are only counted for this long before they are printed again. */
const WARNING_QUIET_MS = 60_000;
/** Maximum live status lines. */
const STATUS_LINES = 2;
/** Outcomes within this time are printed together. */
const BURST_MS = 1_000;

/** Reports what a miner does, for people or programs: lines for events, bars for downloads, a status line for rates. */
export class MiningReporter {
  readonly #context: CliContext;
  readonly #options: MiningReporterOptions;
  readonly #output: MiningOutput;
  readonly #format: ReturnType<typeof parseStatusFormat> | undefined;
  readonly #bars = new Map<string, ProgressBar>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #warnings = new RepeatedWarnings(WARNING_QUIET_MS, () => performance.now());
  readonly #bursts: OutcomeBursts;

  /** @throws QuarryError `CONFIG_INVALID` when the status line template has an unknown field */
  constructor(context: CliContext, options: MiningReporterOptions) {
    this.#context = context;
    this.#options = options;
    this.#format = options.statusFormat === undefined ? undefined : parseStatusFormat(options.statusFormat);
    this.#output = new MiningOutput(context, options.json);
    this.#bursts = new OutcomeBursts(BURST_MS, (burst) => {
      for (const line of outcomeLines(burst, context.style)) this.#output.result(line, burst.at);
    });
  }

  /** Prints a message; with `--json`, an event. */
  say(text: string, event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    // Print pending outcomes first, to keep the order.
    this.#bursts.flush();
    this.#output.say(text, event, fields);
  }

  /** Starts a progress bar; draws nothing without a terminal. */
  bar(label: string, total: number, unit: 'bytes' | 'count'): ProgressBar {
    return this.#output.bar(label, total, unit);
  }

  /** Follows a miner until `detach`. */
  attach(miner: Miner, logger: Logger): void {
    const { events } = miner;
    events.on('started', (e) => this.#started(e, logger));
    events.on('fullnode', (e) => this.#fullnode(e, logger));
    events.on('epoch', (e) => {
      logger.info(e, 'epoch');
      // The epoch's targets have not arrived yet.
      this.say(`epoch ${e.epoch}`, 'epoch', e);
    });
    events.on('balance', (e) => this.#balance(e, logger));
    events.on('shared', (e) => {
      logger.info(e, 'shared');
      const what = e.state === 'found' ? 'scores for this miner' : 'has ended: its scores are in this store';
      this.say(`sharing   process ${e.scorer} ${what}`, 'shared', e);
    });
    events.on('paused', (e) => {
      logger.info(e, 'paused');
      this.say(`paused: ${plainText(e.reason)}`, 'paused', e);
    });
    events.on('resumed', () => {
      logger.info('resumed');
      this.say('resumed', 'resumed');
    });
    events.on('warning', ({ error }) => this.#warned(error, logger));
    this.#followModels(miner, logger);
    this.#followHits(miner, logger);
    this.#showStatus(miner, logger);
  }

  /** Reports a warning from outside the miner. */
  warn(error: QuarryError): void {
    this.say(`${this.#context.errStyle.yellow('warning')}  ${plainText(error.message)}`, 'warning', {
      error: error.toJSON(),
    });
  }

  /** Prints a multi-line text that the user requested. */
  show(lines: readonly string[]): void {
    for (const line of lines) this.#output.plain(line);
  }

  /** Stops following and clears the live area. */
  detach(): void {
    this.#bursts.flush();
    this.#tellRepeated(true);
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.#bars.clear();
    this.#output.clear();
  }

  /** Prints the final summary. */
  summary(summary: MinerSummary, extra: Readonly<Record<string, unknown>> = {}): void {
    this.detach();
    if (this.#options.json) {
      this.#output.event('summary', { ...summary, ...extra });
      return;
    }
    // A result, which goes to stdout.
    const { style, stdout } = this.#context;
    const heading = style.bold(`done in ${formatDuration(summary.durationMs)}`);
    stdout.write(`\n${[heading, ...summaryLines(summary, style)].join('\n')}\n`);
  }

  #started(e: MinerEvents['started'][0], logger: Logger): void {
    logger.info(e, 'started');
    const earlier = e.unsettled === 0 ? '' : `; recovering ${e.unsettled} submissions of an earlier run meanwhile`;
    const text = `mining as ${shortId(e.address)}: epoch ${e.epoch}, ${e.openTargets} open targets, ${e.models} models`;
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

  #balance(e: MinerEvents['balance'][0], logger: Logger): void {
    const { green, yellow } = this.#context.errStyle;
    const [has, needs] = [shannonsToSoma(e.balanceShannons), shannonsToSoma(e.neededShannons)];
    if (e.state === 'restored') {
      logger.info(e, 'balance restored');
      this.say(`${green('balance')}  ${has} SOMA: submissions resume`, 'balance', e);
      return;
    }
    logger.warn(e, 'balance low');
    const text = `balance ${has} SOMA, ${needs} SOMA needed: submissions wait, scoring continues`;
    const hint = 'send coins to this address, or claim what is due: quarry claim; submissions resume automatically';
    this.say(`${yellow('warning')}  ${text} (${hint})`, 'balance', { ...e, hint });
  }

  #followModels(miner: Miner, logger: Logger): void {
    const { yellow } = this.#context.errStyle;
    miner.events.on('model', (e) => {
      const id = shortId(e.modelId);
      if (e.state === 'fetching') this.#bars.set(e.modelId, this.#output.bar(`weights ${id}`, e.sizeBytes));
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
    miner.events.on('download', (e) => this.#bars.get(e.modelId)?.update(e.receivedBytes));
    miner.events.on('scored', (e) => logger.debug(e, 'scored'));
  }

  #followHits(miner: Miner, logger: Logger): void {
    const { events } = miner;
    events.on('hit', (e) => {
      logger.info(e, 'hit');
      if (this.#options.json) this.#output.event('hit', e);
    });
    events.on('submitted', (e) => logger.debug(e, 'submitted'));
    events.on('outcome', (e) => {
      const { outcome, ...rest } = e;
      logger.info({ ...rest, ...outcome, kind: undefined }, outcome.kind);
      if (!this.#options.json) this.#bursts.add(e);
      else this.#output.event(outcome.kind, { ...rest, ...('reason' in outcome && { reason: outcome.reason }) });
    });
    events.on('claimed', (e) => {
      logger.info(e, 'claimed');
      const text = `${this.#context.style.green('claimed ')}  ${shortId(e.targetId)}  ${shannonsToSoma(e.receivedShannons)} SOMA`;
      this.#bursts.flush();
      if (this.#options.json) this.#output.event('claimed', e);
      else this.#output.result(text);
    });
  }

  #warned(error: QuarryError, logger: Logger): void {
    if (!this.#warnings.isNew(error.message)) return;
    logger.warn({ error }, 'warning');
    const hint = error.hint === undefined ? '' : ` (${plainText(error.hint)})`;
    const { yellow } = this.#context.errStyle;
    this.say(`${yellow('warning')}  ${plainText(error.message)}${hint}`, 'warning', { error: error.toJSON() });
  }

  #showStatus(miner: Miner, logger: Logger): void {
    const format = this.#format;
    const live = (width: number): string[] =>
      format === undefined
        ? layOut(statusParts(miner.summary()), width, STATUS_LINES)
        : layOut(format(miner.summary()).split(' '), width, STATUS_LINES, ' ');
    this.#every(LIVE_STATUS_MS, () => this.#output.status(live));
    this.#every(WARNING_QUIET_MS, () => this.#tellRepeated(false, logger));
    this.#every(this.#options.statusSeconds * 1000, () => {
      const summary = miner.summary();
      logger.info({ summary }, 'status');
      if (this.#options.json) this.#output.event('status', { ...summary });
      else if (!this.#context.isErrTty)
        this.say(format?.(summary) ?? statusParts(summary, 'speed').join('  '), 'status');
    });
  }

  #tellRepeated(all: boolean, logger?: Logger): void {
    const { yellow } = this.#context.errStyle;
    for (const { text, count } of this.#warnings.takeDue(all)) {
      logger?.warn({ repeated: count, message: text }, 'warning repeated');
      this.say(`${yellow('warning')}  ${count} times more: ${plainText(text)}`, 'warning', {
        repeated: count,
        message: text,
      });
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
