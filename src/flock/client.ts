import { toQuarryError } from '../errors/index.js';
import { hasReason } from './errors.js';
import { isJsonObject } from './json.js';
import { Leaderboard, Stats, WalletStats } from './stats.js';
import { Submissions } from './submissions.js';
import { Tasks } from './tasks.js';
import type { ServerClock } from './time.js';
import { type CallOptions, type FlockClientOptions, type FlockDeps, FlockTransport } from './transport.js';
import { Validation } from './validation.js';

/** Result of a health check. */
export interface Health {
  readonly ok: boolean;
  /** State reported by the service, normally `ok`. */
  readonly status?: string | undefined;
  readonly latencyMs: number;
  /** Server time minus local time; 0 if within two seconds. */
  readonly clockOffsetMs: number;
  /** Why the check failed. */
  readonly error?: Error | undefined;
}

/** Client of FLock's AI Arena: tasks, submissions, statistics, rankings and validation. Reading needs no key. */
export class FlockClient {
  readonly tasks: Tasks;
  readonly submissions: Submissions;
  readonly stats: Stats;
  readonly leaderboard: Leaderboard;
  readonly validation: Validation;
  readonly #transport: FlockTransport;

  /** @throws QuarryError `CONFIG_INVALID` when the base URL is invalid */
  constructor(options: FlockClientOptions = {}, deps: FlockDeps = {}) {
    this.#transport = new FlockTransport(options, deps);
    this.tasks = new Tasks(this.#transport, { strict: options.strict });
    this.submissions = new Submissions(this.#transport);
    this.stats = new Stats(this.#transport);
    this.leaderboard = new Leaderboard(this.#transport);
    this.validation = new Validation(this.#transport);
  }

  get baseUrl(): string {
    return this.#transport.baseUrl;
  }

  /** Whether an arena key was given. */
  get hasKey(): boolean {
    return this.#transport.hasKey;
  }

  /** The service's clock, known after the first response. */
  get clock(): ServerClock {
    return this.#transport.clock;
  }

  /** @throws FlockError `FLOCK_CONFIG` when no arena key was given */
  requireKey(): void {
    this.#transport.requireKey();
  }

  /** Checks service health once. Failures are returned, not thrown, except interruption. */
  async health(options: CallOptions = {}): Promise<Health> {
    const startedAt = performance.now();
    const latency = (): number => Math.round(performance.now() - startedAt);
    try {
      const { json } = await this.#transport.call({
        path: 'health',
        repeat: 'never',
        ...options,
        timeoutMs: options.timeoutMs ?? 10_000,
      });
      const status = isJsonObject(json) && typeof json['status'] === 'string' ? json['status'] : undefined;
      return {
        ok: status === undefined || status === 'ok',
        status,
        latencyMs: latency(),
        clockOffsetMs: this.clock.offsetMs,
      };
    } catch (error) {
      if (hasReason(error, 'FLOCK_ABORTED')) throw error;
      // The second generation of the service may return a 2xx without JSON: it is up.
      if (hasReason(error, 'FLOCK_DECODE') && (error.status ?? 0) < 300 && error.status !== undefined) {
        return { ok: true, latencyMs: latency(), clockOffsetMs: this.clock.offsetMs };
      }
      return {
        ok: false,
        latencyMs: latency(),
        clockOffsetMs: this.clock.offsetMs,
        error: toQuarryError(error, 'checking service health'),
      };
    }
  }

  /**
   * Statistics of a wallet.
   *
   * @throws QuarryError `INVALID_ARGUMENT` when the address is not `0x` and 40 hex digits
   */
  wallet(address: string): WalletStats {
    return new WalletStats(this.#transport, address);
  }

  /** Closes its connections. */
  async close(): Promise<void> {
    await this.#transport.close();
  }
}
