import { WebSocket as NodeWebSocket } from 'ws';
import { LatestMap } from '../../collections/latest-map.js';
import { QuarryError, toQuarryError } from '../../errors/index.js';
import { sleep as realSleep, type Sleep } from '../../net/index.js';
import { isTerminal } from '../dialects/live-mapping.js';
import { APIError } from '../errors.js';
import type { Job, Offer } from '../models.js';
import { readFrame } from './read-frame.js';
import {
  type CoordinatorEvent,
  DEFAULT_SOCKET_TIMINGS,
  type SocketListeners,
  type SocketTimings,
  type WebSocketConstructor,
  type WebSocketLike,
} from './socket-types.js';

/** Options of a {@link CoordinatorSocket}. */
export interface CoordinatorSocketOptions extends Partial<SocketTimings> {
  readonly url: string;
  readonly apiKey?: string | undefined;
  /**
   * How to send the key, which is undocumented. `frame` sends `{type:"auth",api_key}` first, `header` sends `X-API-Key`
   * in the handshake. Default `frame`.
   */
  readonly auth?: 'frame' | 'header' | 'none' | undefined;
  /** Builds the frame that subscribes to a channel. Default `{type:"subscribe",channel,filters}`. */
  readonly subscribeFrame?: ((channel: string, filters: Readonly<Record<string, string>>) => unknown) | undefined;
}

/** Dependencies of a {@link CoordinatorSocket}. */
export interface CoordinatorSocketDeps {
  /** Whether to try the websocket at all; live coordinators have none. */
  readonly shouldConnect: () => Promise<boolean>;
  readonly pollJob: (jobId: string, signal: AbortSignal) => Promise<Job>;
  readonly pollOffers: (signal: AbortSignal) => Promise<readonly Offer[]>;
  /** Returns the id of a job's receipt, or undefined if there is none yet. */
  readonly pollReceipt: (jobId: string, signal: AbortSignal) => Promise<string | undefined>;
  readonly WebSocket?: WebSocketConstructor | undefined;
  readonly now?: (() => number) | undefined;
  readonly sleep?: Sleep | undefined;
}

/** Polls for a receipt after a job has ended, before assuming that there is none. */
const RECEIPT_POLLS = 3;

/**
 * Jobs whose last status, and whose receipt, is remembered: about a day at one job every ten seconds. A coordinator sends those
 * of all jobs, for as long as the process runs; of a job that is forgotten, the same event may be delivered again.
 */
const REMEMBERED_JOBS = 10_000;

type Listener = (value: never) => void;

/**
 * Events of a coordinator, from the websocket if there is one and otherwise from polling. Also polls slowly beside the
 * socket, so that an update missed while disconnected still arrives. Events derived from polling have `synthetic:
 * true`.
 */
export class CoordinatorSocket {
  readonly #options: CoordinatorSocketOptions;
  readonly #timings: SocketTimings;
  readonly #deps: CoordinatorSocketDeps;
  readonly #listeners = new Map<keyof SocketListeners, Set<Listener>>();
  readonly #subscriptions = new Map<string, { channel: string; filters: Readonly<Record<string, string>> }>();
  readonly #statuses = new LatestMap<string, string>(REMEMBERED_JOBS);
  /** Jobs whose receipt was delivered. */
  readonly #receipts = new LatestMap<string, true>(REMEMBERED_JOBS);
  readonly #closed = new AbortController();
  #socket: WebSocketLike | undefined;
  #open = false;
  #started = false;
  #reconnects = 0;

  constructor(options: CoordinatorSocketOptions, deps: CoordinatorSocketDeps) {
    this.#options = options;
    this.#timings = {
      ...DEFAULT_SOCKET_TIMINGS,
      ...Object.fromEntries(
        Object.entries(options).filter(([name, value]) => name in DEFAULT_SOCKET_TIMINGS && value !== undefined),
      ),
    };
    this.#deps = deps;
  }

  /** Whether the websocket is currently open. */
  get connected(): boolean {
    return this.#open;
  }

  /** Adds a listener; returns a function that removes it. */
  on<E extends keyof SocketListeners>(event: E, listener: (value: SocketListeners[E]) => void): () => void {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set);
    set.add(listener as Listener);
    return () => void set.delete(listener as Listener);
  }

  /** Subscribes to a channel: `jobs` (with a job id) or `marketplace`. Can be called before or after `start`. */
  subscribe(channel: 'jobs' | 'marketplace', filter: { readonly jobId?: string | undefined } = {}): void {
    const key = `${channel}:${filter.jobId ?? ''}`;
    if (this.#subscriptions.has(key)) return;
    const filters = filter.jobId === undefined ? {} : { job_id: filter.jobId };
    this.#subscriptions.set(key, { channel, filters });
    if (!this.#started) return;
    this.#sendSubscription(channel, filters);
    this.#poll(channel, filter.jobId);
  }

  /** Connects, or starts polling if there is no websocket. Returns immediately; idempotent. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const { channel, filters } of this.#subscriptions.values()) this.#poll(channel, filters['job_id']);
    void this.#begin();
  }

  /** Closes the connection and stops polling. */
  close(): void {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.#open = false;
    this.#socket?.close(1000);
    this.#emit('close', undefined);
  }

  /** Events in order of arrival until `close`, the signal, or the consumer stops. Starts the socket. */
  async *events(options: { readonly signal?: AbortSignal | undefined } = {}): AsyncGenerator<CoordinatorEvent, void> {
    const queue: CoordinatorEvent[] = [];
    let wake: () => void = () => {};
    const push = (event: CoordinatorEvent): void => {
      queue.push(event);
      wake();
    };
    let ended = this.#closed.signal.aborted;
    const end = (): void => {
      ended = true;
      wake();
    };
    const removers = [
      this.on('jobUpdate', push),
      this.on('marketplaceUpdate', push),
      this.on('receiptCreated', push),
      this.on('message', push),
      this.on('close', end),
    ];
    options.signal?.addEventListener('abort', end, { once: true });
    if (options.signal?.aborted) end();
    this.start();
    try {
      for (;;) {
        const event = queue.shift();
        if (event !== undefined) {
          yield event;
          continue;
        }
        if (ended) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      options.signal?.removeEventListener('abort', end);
      for (const remove of removers) remove();
    }
  }

  async #begin(): Promise<void> {
    try {
      if (!(await this.#deps.shouldConnect())) {
        this.#emit('fallback', 'this coordinator has no websocket');
        return;
      }
    } catch (error) {
      this.#emit('error', toQuarryError(error, 'finding the coordinator'));
    }
    this.#connect();
  }

  #connect(): void {
    if (this.#closed.signal.aborted) return;
    const Socket = this.#deps.WebSocket ?? (NodeWebSocket as unknown as WebSocketConstructor);
    const { apiKey, auth = 'frame', url } = this.#options;
    let socket: WebSocketLike;
    try {
      socket = new Socket(url, {
        handshakeTimeout: this.#timings.handshakeTimeoutMs,
        ...(auth === 'header' && apiKey !== undefined && { headers: { 'X-API-Key': apiKey } }),
      });
    } catch (error) {
      this.#lost(toQuarryError(error, 'opening the websocket').message, false);
      return;
    }
    this.#socket = socket;
    let opened = false;
    let reason = '';
    let stopPinging = (): void => {};
    socket.addEventListener('open', () => {
      opened = true;
      if (this.#closed.signal.aborted) return socket.close(1000);
      this.#open = true;
      if (auth === 'frame' && apiKey !== undefined) this.#send({ type: 'auth', api_key: apiKey });
      for (const { channel, filters } of this.#subscriptions.values()) this.#sendSubscription(channel, filters);
      stopPinging = this.#keepAlive(socket);
      this.#emit('open', undefined);
    });
    socket.addEventListener('message', ({ data }) => {
      this.#reconnects = 0;
      this.#receive(String(data));
    });
    socket.addEventListener('error', (event) => {
      const message = (event as { message?: unknown | undefined } | undefined)?.message;
      reason = typeof message === 'string' ? message : 'connection failed';
    });
    socket.addEventListener('close', (event) => {
      stopPinging();
      if (this.#socket !== socket) return;
      this.#open = false;
      this.#lost(reason || `closed with code ${event.code}`, opened);
    });
  }

  /** After a lost connection, waits and reconnects; after a refusal or too many losses, continues with polling only. */
  #lost(reason: string, wasOpen: boolean): void {
    if (this.#closed.signal.aborted) return;
    if (!wasOpen && this.#reconnects === 0) {
      this.#emit('fallback', reason);
      return;
    }
    if (this.#reconnects >= this.#timings.maxReconnects) {
      this.#emit('fallback', `${reason}; gave up after ${this.#reconnects} reconnects`);
      return;
    }
    this.#reconnects++;
    this.#emit('error', new QuarryError('UNREACHABLE', `websocket lost: ${reason}; reconnecting`));
    void this.#sleep(this.#timings.reconnectDelayMs).then((slept) => slept && this.#connect());
  }

  #receive(text: string): void {
    const frame = readFrame(text, () => this.#nowIso());
    if (frame.kind === 'ping') {
      this.#send({ type: 'pong' });
      return;
    }
    if (frame.kind === 'error') {
      const message = `the coordinator reports: ${frame.message.slice(0, 200)}`;
      this.#emit('error', new QuarryError('REMOTE_FAILURE', message));
      return;
    }
    const { event } = frame;
    if (event.type === 'job_update') this.#statuses.set(event.jobId, event.status);
    if (event.type === 'receipt_created' && event.jobId !== undefined) {
      if (this.#receipts.has(event.jobId)) return;
      this.#receipts.set(event.jobId, true);
    }
    this.#deliver(event);
  }

  #deliver(event: CoordinatorEvent): void {
    if (this.#closed.signal.aborted) return;
    if (event.type === 'job_update') this.#emit('jobUpdate', event);
    else if (event.type === 'marketplace_update') this.#emit('marketplaceUpdate', event);
    else if (event.type === 'receipt_created') this.#emit('receiptCreated', event);
    else this.#emit('message', event);
  }

  #poll(channel: string, jobId: string | undefined): void {
    const loop = channel === 'jobs' ? jobId !== undefined && this.#pollJob(jobId) : this.#pollOffers();
    if (loop) loop.catch((error: unknown) => this.#emit('error', toQuarryError(error, 'polling')));
  }

  async #pollJob(jobId: string): Promise<void> {
    let pauseMs = this.#timings.pollIntervalMs;
    for (;;) {
      const job = await this.#quietly(() => this.#deps.pollJob(jobId, this.#closed.signal));
      if (this.#closed.signal.aborted) return;
      const before = this.#statuses.get(jobId);
      // Also when it is unchanged: a job that is watched is not forgotten for others.
      if (job !== undefined) this.#statuses.set(jobId, job.status);
      if (job !== undefined && before !== job.status) {
        pauseMs = this.#timings.pollIntervalMs;
        this.#deliver({
          type: 'job_update',
          jobId,
          status: job.status,
          timestamp: this.#nowIso(),
          progress: job.progress,
          minerId: job.minerId,
          rawState: job.rawState,
          synthetic: true,
        });
      }
      if (job !== undefined && isTerminal(job.status) && job.rawState !== 'EXPIRED') return this.#pollReceipt(jobId);
      if (!(await this.#sleep(this.#open ? this.#timings.maxPollIntervalMs : pauseMs))) return;
      pauseMs = Math.min(pauseMs * 1.5, this.#timings.maxPollIntervalMs);
    }
  }

  async #pollReceipt(jobId: string): Promise<void> {
    for (let n = 0; n < RECEIPT_POLLS && !this.#receipts.has(jobId); n++) {
      if (n > 0 && !(await this.#sleep(this.#timings.pollIntervalMs))) return;
      const receiptId = await this.#quietly(() => this.#deps.pollReceipt(jobId, this.#closed.signal));
      if (receiptId === undefined || this.#receipts.has(jobId)) continue;
      this.#receipts.set(jobId, true);
      this.#deliver({ type: 'receipt_created', jobId, receiptId, timestamp: this.#nowIso(), synthetic: true });
    }
  }

  async #pollOffers(): Promise<void> {
    let known: Map<string, Offer> | undefined;
    for (;;) {
      const offers = await this.#quietly(() => this.#deps.pollOffers(this.#closed.signal));
      if (this.#closed.signal.aborted) return;
      if (offers !== undefined) {
        const current = new Map(offers.map((offer) => [offer.offerId, offer]));
        const before = known ?? current;
        const added = offers.filter((offer) => !before.has(offer.offerId));
        const removed = [...before.keys()].filter((id) => !current.has(id));
        known = current;
        // While the socket is open, it reports these itself.
        if (!this.#open && added.length + removed.length > 0) {
          this.#deliver({ type: 'marketplace_update', timestamp: this.#nowIso(), added, removed, synthetic: true });
        }
      }
      if (!(await this.#sleep(this.#timings.offerPollIntervalMs))) return;
    }
  }

  /** Retries a failed poll at the next turn; a missing job is an immediate error. */
  async #quietly<T>(poll: () => Promise<T>): Promise<T | undefined> {
    try {
      return await poll();
    } catch (error) {
      if (this.#closed.signal.aborted) return undefined;
      if (error instanceof APIError && (error.status === 404 || error.status === 401 || error.status === 403))
        throw error;
      this.#emit('error', toQuarryError(error, 'polling'));
      return undefined;
    }
  }

  /** Sends pings and ends the connection if no pong arrives. Only for implementations that can ping. */
  #keepAlive(socket: WebSocketLike): () => void {
    if (socket.ping === undefined || socket.on === undefined) return () => {};
    let deadline: NodeJS.Timeout | undefined;
    const timer = setInterval(() => {
      socket.ping?.();
      deadline ??= setTimeout(() => socket.terminate?.(), this.#timings.pongTimeoutMs);
    }, this.#timings.pingIntervalMs);
    socket.on('pong', () => {
      clearTimeout(deadline);
      deadline = undefined;
    });
    return () => {
      clearInterval(timer);
      clearTimeout(deadline);
    };
  }

  #sendSubscription(channel: string, filters: Readonly<Record<string, string>>): void {
    if (!this.#open) return;
    this.#send(this.#options.subscribeFrame?.(channel, filters) ?? { type: 'subscribe', channel, filters });
  }

  #send(frame: unknown): void {
    if (this.#open) this.#socket?.send(JSON.stringify(frame));
  }

  #emit<E extends keyof SocketListeners>(event: E, value: SocketListeners[E]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])])
      (listener as (v: SocketListeners[E]) => void)(value);
  }

  #nowIso(): string {
    return new Date((this.#deps.now ?? Date.now)()).toISOString();
  }

  async #sleep(ms: number): Promise<boolean> {
    try {
      await (this.#deps.sleep ?? realSleep)(ms, this.#closed.signal);
      return true;
    } catch {
      return false;
    }
  }
}

/** The documented websocket URL: the host of the base URL, with path `/ws`. */
export function defaultSocketUrl(baseUrl: string): string {
  const url = new URL('/ws', baseUrl);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
