import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { QuarryError, throwIfAborted, toQuarryError } from '../errors/index.js';
import { HttpClient } from '../http/index.js';
import type { AgentHost } from './agent-host.js';
import { ServingRun } from './serving-run.js';

/** What became of a miner that an agent started. */
interface Running {
  readonly stop: AbortController;
  readonly token: string;
  /** Ends with the miner; never rejects. */
  ended: Promise<void>;
  url: string | undefined;
  accepted: number;
  warning: unknown;
  error: QuarryError | undefined;
  summary: unknown;
  over: boolean;
}

const STATES = { none: 'not started', starting: 'starting', running: 'running', ended: 'ended' } as const;

/** The one miner of a server, shared by its agents. Close it when done. */
export class MinerSession {
  /** `change` whenever there is something new to tell, with a line for people. */
  readonly events = new EventEmitter<{ change: [line: string] }>();
  /** Submissions by hand, whose bytes are served until the miner, which serves them too, begins. */
  readonly serving: ServingRun;
  readonly #host: AgentHost;
  readonly #http = new HttpClient();
  #running: Running | undefined;

  constructor(host: AgentHost) {
    this.#host = host;
    this.serving = new ServingRun(host);
    this.events.setMaxListeners(0);
  }

  /** Submissions that the miner's run got accepted. */
  get accepted(): number {
    return this.#running?.accepted ?? 0;
  }

  /** Whether a miner runs. */
  get isRunning(): boolean {
    return this.#running !== undefined && !this.#running.over;
  }

  /**
   * Starts a miner; returns once it serves, or fails as it did.
   *
   * @param args what follows `mine` on the command line
   * @throws QuarryError `ALREADY_EXISTS` while one runs, and what starting fails with
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
    // Before anything is awaited: a second start in the meantime must find this one.
    this.#running = running;
    running.ended = this.#mine(running, args);
    while (running.url === undefined && !running.over) await once(this.events, 'change');
    if (running.error !== undefined) throw running.error;
  }

  /** Pauses or resumes. @throws QuarryError `FAILED_PRECONDITION` when no miner runs */
  async order(verb: 'pause' | 'resume'): Promise<void> {
    const { url, token } = this.#require();
    const headers = { authorization: `Bearer ${token}` };
    await this.#http.json({ url: `${url}/1/${verb}`, method: 'POST', headers });
  }

  /** Lets submissions in flight finish, then ends. @throws QuarryError `FAILED_PRECONDITION` when no miner runs */
  async stop(): Promise<void> {
    const running = this.#require();
    running.stop.abort('SIGTERM');
    await running.ended;
  }

  /** Status of the miner. */
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

  /** Ends the miner, if one runs. */
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
      // The API of this miner is for this process: what the user set for others' machines is not meant.
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
