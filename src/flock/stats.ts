import { QuarryError } from '../errors/index.js';
import {
  decodeAchievements,
  decodeDaily,
  decodeEnrolled,
  decodeModelRank,
  decodePage,
  decodeRecord,
  decodeValidatorRank,
} from './decode.js';
import { FlockError, hasReason } from './errors.js';
import { parseTaskId, parseWallet } from './identifiers.js';
import type { Json, JsonObject } from './json.js';
import { checkPage, iteratePages, MAX_PAGE_SIZE, type PageOptions } from './pages.js';
import type { CallOptions, FlockTransport } from './transport.js';
import type { Achievements, DailyCount, DailyKind, ModelRank, Page, Role, ValidatorRank } from './types.js';
import { type RankEvent, type WatchRanksOptions, watchRanks } from './watch/watch-ranks.js';

/** Counts across the whole arena. */
export class Stats {
  readonly #transport: FlockTransport;

  constructor(transport: FlockTransport) {
    this.#transport = transport;
  }

  /** Submissions or validations per UTC day, oldest first; the last day is incomplete. */
  async daily(kind: DailyKind, options: CallOptions = {}): Promise<DailyCount[]> {
    const { json } = await this.#transport.call({ path: 'stats/emissions', query: { type: kind }, ...options });
    return decodeDaily(json);
  }
}

/** Statistics of one wallet. */
export class WalletStats {
  readonly address: string;
  readonly base_url: string;
  readonly #transport: FlockTransport;

  /** @throws QuarryError `INVALID_ARGUMENT` when the address is not `0x` and 40 hex digits */
  constructor(transport: FlockTransport, address: string) {
    this.#transport = transport;
    this.address = parseWallet(address);
    this.base_url = `${transport.baseUrl}stats/`;
  }

  /** One page of the wallet's valid submissions. The service does not publish their shape, so items are not decoded. */
  async submissions(options: CallOptions & PageOptions = {}): Promise<Page<JsonObject>> {
    const asked = checkPage(options);
    const { page: _page, size: _size, ...call } = options;
    const { json } = await this.#transport.call({
      path: `stats/submissions/${this.address}`,
      query: asked,
      ...call,
    });
    return decodePage(json, asked, decodeRecord);
  }

  /** All valid submissions of the wallet. */
  allSubmissions(options: CallOptions = {}): AsyncGenerator<JsonObject, void, undefined> {
    return iteratePages((page, size) => this.submissions({ ...options, page, size }), MAX_PAGE_SIZE);
  }

  /**
   * Medals of the wallet in a role.
   *
   * @throws QuarryError `INVALID_ARGUMENT` when the role is neither `validator` nor `node`
   */
  async achievements(role: Role = 'validator', options: CallOptions = {}): Promise<Achievements> {
    if (role !== 'validator' && role !== 'node') {
      throw new QuarryError('INVALID_ARGUMENT', `"role" expected validator or node, got ${JSON.stringify(role)}`);
    }
    const { json } = await this.#transport.call({
      path: `stats/achievements/${this.address}`,
      query: { role },
      ...options,
    });
    return decodeAchievements(json);
  }

  /**
   * Tasks that the wallet is enrolled in, which means staked on.
   *
   * @throws FlockError `FLOCK_NOT_FOUND` when the service has no such endpoint
   */
  async enrolled(options: CallOptions = {}): Promise<Json[]> {
    try {
      const { json } = await this.#transport.call({ path: `stats/enrolled-tasks/${this.address}`, ...options });
      return decodeEnrolled(json);
    } catch (error) {
      if (!hasReason(error, 'FLOCK_NOT_FOUND')) throw error;
      throw new FlockError('FLOCK_NOT_FOUND', 'the service does not offer the enrolled tasks of a wallet', {
        cause: error,
        status: error.status,
        hint: 'The endpoint is undocumented; use `quarry flock wallet <address> achievements`.',
      });
    }
  }

  /** Formatted like flocky: `FlockWalletStats(address='0x…', base_url='https://…/stats/')`. */
  toString(): string {
    return `FlockWalletStats(address='${this.address}', base_url='${this.base_url}')`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** Rankings of a task. These endpoints are undocumented. */
export class Leaderboard {
  readonly #transport: FlockTransport;

  constructor(transport: FlockTransport) {
    this.#transport = transport;
  }

  /** One page of the model ranking. */
  async models(taskId: number | string, options: CallOptions & PageOptions = {}): Promise<Page<ModelRank>> {
    return this.#page('stats/models', taskId, options, decodeModelRank);
  }

  /** One page of the validator ranking. */
  async validators(taskId: number | string, options: CallOptions & PageOptions = {}): Promise<Page<ValidatorRank>> {
    return this.#page('stats/validators', taskId, options, decodeValidatorRank);
  }

  /** The whole model ranking. */
  allModels(taskId: number | string, options: CallOptions = {}): AsyncGenerator<ModelRank, void, undefined> {
    return iteratePages((page, size) => this.models(taskId, { ...options, page, size }), MAX_PAGE_SIZE);
  }

  /** The whole validator ranking. */
  allValidators(taskId: number | string, options: CallOptions = {}): AsyncGenerator<ValidatorRank, void, undefined> {
    return iteratePages((page, size) => this.validators(taskId, { ...options, page, size }), MAX_PAGE_SIZE);
  }

  /** Watches the ranking of a task; see `watchRanks`. */
  watch(taskId: number | string, options: WatchRanksOptions = {}): AsyncGenerator<RankEvent, void, undefined> {
    const { sleep, random } = this.#transport;
    return watchRanks(parseTaskId(taskId), options, { leaderboard: this, sleep, random });
  }

  async #page<T>(
    path: string,
    taskId: number | string,
    options: CallOptions & PageOptions,
    decode: (value: unknown, path: string) => T,
  ): Promise<Page<T>> {
    const id = parseTaskId(taskId);
    const asked = checkPage(options);
    const { page: _page, size: _size, ...call } = options;
    const { json } = await this.#transport.call({ path, query: { task_id: id, ...asked }, ...call });
    return decodePage(json, asked, decode);
  }
}
