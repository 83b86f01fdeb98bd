import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { QuarryError, throwIfAborted, toQuarryError } from '../errors/index.js';
import { HttpClient } from '../net/index.js';
import type { AgentHost } from './agent-host.js';
import { ServingRun } from './serving-run.js';

/** State of a miner started by an agent. */
interface Running {
  readonly stop: AbortController;
  readonly token: string;
  /** Resolves when the miner ends; never rejects. */
  ended: Promise<void>;
  url: string | undefined;
  accepted: number;
  warning: unknown;
  error: QuarryError | undefined;
  summary: unknown;
  over: boolean;
}

const STATES = { none: 'not started', starting: 'starting', running: 'running', ended: 'ended' } as const;

/** The server's one miner, shared by all agents. Close it when done. */
export class MinerSession {
  /** Emits `change` on every update, with a human-readable line. */
  readonly events = new EventEmitter<{ change: [line: string] }>();
  /** Manual submissions, whose bytes are served here until a miner starts and serves them too. */
  readonly serving: ServingRun;
  readonly #host: AgentHost;
  readonly #http = new HttpClient();
  #running: Running | undefined;

  constructor(host: AgentHost) {
    this.#host = host;
    this.serving = new ServingRun(host);
    this.events.setMaxListeners(0);
  }

  /** Number of accepted submissions of the miner's run. */
  get accepted(): number {
    return this.#running?.accepted ?? 0;
  }

  /** Whether a miner is running. */
  get isRunning(): boolean {
    return this.#running !== undefined && !this.#running.over;
  }

  /**
   * Starts a miner; resolves once its API is up, or fails with the miner's error.
   *
   * @param args arguments of `mine`
   * @throws QuarryError `ALREADY_EXISTS` while one is running; also whatever starting fails with
   */
  async start(args: readonly string[]): Promise<void> {
    if (this.isRunning) {
      throw new QuarryError('ALREADY_EXISTS', 'a miner is already running', { hint: 'stop it first: miner_stop' });
    }
    const running: Running = {
      stop: new AbortController(),
      token: randomBytes(24).toString('base64url'),
      ended: Promise.resolve(),
      url: undefined,
      accepted: 0,
      warning: undefined,
      error: undefined,
      summary: undefined,
      over: false,
    };
    // Set before the first await, so that a concurrent start finds it.
    this.#running = running;
    running.ended = this.#mine(running, args);
    while (running.url === undefined && !running.over) await once(this.events, 'change');
    if (running.error !== undefined) throw running.error;
  }

  /**
   * Pauses or resumes the miner.
   *
   * @throws QuarryError `FAILED_PRECONDITION` when no miner is running
   */
  async order(verb: 'pause' | 'resume'): Promise<void> {
    const { url, token } = this.#require();
    const headers = { authorization: `Bearer ${token}` };
    await this.#http.json({ url: `${url}/1/${verb}`, method: 'POST', headers });
  }

  /**
   * Stops the miner once submissions in flight are done.
   *
   * @throws QuarryError `FAILED_PRECONDITION` when no miner is running
   */
  async stop(): Promise<void> {
    const running = this.#require();
    running.stop.abort('SIGTERM');
    await running.ended;
  }

  /** The miner's status. */
  async status(): Promise<Record<string, unknown>> {
    const running = this.#running;
    if (running === undefined) return { state: STATES.none, accepted: 0 };
    const { accepted, warning, error, summary, url, over } = running;
    const state = over ? STATES.ended : url === undefined ? STATES.starting : STATES.running;
    const live =
      state === STATES.running ? await this.#http.json({ url: `${url}/1/status` }).catch(() => undefined) : undefined;
    return {
      state,
      accepted,
      ...(live !== undefined && { status: live }),
      ...(summary !== undefined && { summary }),
      ...(warning !== undefined && { lastWarning: warning }),
      ...(error !== undefined && { error: `${error.code}: ${error.message}` }),
    };
  }

  /** Stops the miner, if one is running, and releases resources. */
  async close(): Promise<void> {
    if (this.isRunning) await this.stop();
    await this.serving.end();
    await this.#http.close();
  }

  async #mine(running: Running, args: readonly string[]): Promise<void> {
    const { signal } = running.stop;
    try {
      await this.serving.end();
      throwIfAborted(signal, 'mining');
      // This miner's API is only for this process: override the user's settings for remote access.
      await this.#host.run(['mine', '--api-port=0', '--api-host=127.0.0.1', ...args], {
        signal,
        env: { QUARRY_API_TOKEN: running.token },
        onRecord: (record) => this.#hear(running, record as Record<string, unknown>),
      });
    } catch (error) {
      running.error = toQuarryError(error, 'mining');
    }
    running.over = true;
    this.events.emit('change', 'the miner has ended');
  }

  #require(): Running {
    if (this.#running !== undefined && this.isRunning) return this.#running;
    throw new QuarryError('FAILED_PRECONDITION', 'no miner is running', { hint: 'start one: miner_start' });
  }

  #hear(running: Running, record: Record<string, unknown>): void {
    const { event, url, error } = record;
    if (event === 'http') running.url = String(url);
    else if (event === 'accepted') running.accepted++;
    else if (event === 'warning') running.warning = error;
    else if (event === 'summary') running.summary = record;
    else if (event !== 'epoch' && event !== 'lost' && event !== 'rejected' && event !== 'model') return;
    this.events.emit('change', `${String(event)}, ${running.accepted} accepted so far`);
  }
}
