import type { Miner } from '../../miner/index.js';
import type { Notice } from '../../notify/index.js';
import { shannonsToSoma } from '../../soma/chain/index.js';
import { formatBytes, formatDuration } from '../../text/index.js';

/** Free bytes below which a disk counts as nearly full. */
const LITTLE_DISK = 2 ** 30;
/** Targets that others must fill before a lack of hits is reported. */
const OTHERS_BUSY = 5;

export interface MinerNoticesOptions {
  /** How long nothing may be accepted while others fill targets before it is reported, milliseconds. */
  readonly idleMs: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Turns a miner's events into notices for an operator. */
export class MinerNotices {
  readonly #options: MinerNoticesOptions;
  readonly #notify: (notice: Notice) => void;
  readonly #over: (kind: Notice['kind']) => void;
  #acceptedAt: number;
  #filledByOthers = 0;

  /** @param over called when the condition behind a kind of notice has passed */
  constructor(
    options: MinerNoticesOptions,
    notify: (notice: Notice) => void,
    over: (kind: Notice['kind']) => void = () => {},
  ) {
    this.#options = options;
    this.#notify = notify;
    this.#over = over;
    this.#acceptedAt = options.now();
  }

  /** Subscribes to a miner's events. */
  follow({ events }: Pick<Miner, 'events'>): void {
    events.on('fullnode', (e) => {
      if (e.state === 'lost') this.#notify({ kind: 'node lost', text: `fullnode lost: ${e.reason.message}` });
      else this.#notify({ kind: 'node back', text: `fullnode back after ${formatDuration(e.lostMs)}` });
    });
    events.on('balance', ({ state, balanceShannons, neededShannons }) => {
      if (state !== 'low') return this.#over('balance low');
      const amounts = { balanceShannons: String(balanceShannons), neededShannons: String(neededShannons) };
      const [has, needs] = [shannonsToSoma(balanceShannons), shannonsToSoma(neededShannons)];
      const text = `balance low: ${has} SOMA, ${needs} SOMA needed; submissions wait for coins`;
      this.#notify({ kind: 'balance low', text, details: amounts });
    });
    events.on('warning', ({ error }) => {
      const { protocolVersion } = error.details;
      if (error.code !== 'UNSUPPORTED' || typeof protocolVersion !== 'string') return;
      this.#notify({ kind: 'protocol', text: error.message, details: { protocolVersion } });
    });
    events.on('outcome', ({ outcome }) => {
      if (outcome.kind === 'accepted') this.#restart();
    });
    events.on('resumed', () => this.#restart());
    events.on('filled', ({ own }) => {
      if (!own) this.#othersFilled();
    });
  }

  /** Checks the free bytes of the disk with the state. */
  disk(freeBytes: number | undefined): void {
    if (freeBytes === undefined || freeBytes >= LITTLE_DISK) return;
    this.#notify({ kind: 'disk', text: `disk nearly full: ${formatBytes(freeBytes)} left`, details: { freeBytes } });
  }

  #restart(): void {
    this.#acceptedAt = this.#options.now();
    this.#filledByOthers = 0;
  }

  #othersFilled(): void {
    this.#filledByOthers++;
    const silentMs = this.#options.now() - this.#acceptedAt;
    if (silentMs < this.#options.idleMs || this.#filledByOthers < OTHERS_BUSY) return;
    this.#notify({
      kind: 'idle',
      text: `nothing accepted for ${formatDuration(silentMs)}, while others filled ${this.#filledByOthers} targets`,
      details: { silentMs: Math.round(silentMs), filledByOthers: this.#filledByOthers },
    });
  }
}
