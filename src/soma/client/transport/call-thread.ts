import { Worker } from 'node:worker_threads';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { workerFile } from '../../../threads/worker-file.js';
import type { CallThreadData, FromCallThread, ThreadAnswer, ThreadCall, ThreadError } from './thread-messages.js';

/** A call in progress in the thread. */
export interface StartedCall {
  /** Never rejects: errors are answers, too. */
  readonly answer: Promise<ThreadAnswer>;
  cancel(): void;
}

/** Makes unary calls in a separate thread with its own connection. Calls made in the same tick are sent together. */
export class CallThread {
  readonly #data: CallThreadData;
  readonly #pending = new Map<number, (answer: ThreadAnswer) => void>();
  #worker: Worker | undefined;
  /** The thread, once it is ready. */
  #ready: Worker | undefined;
  readonly #waiting: (() => void)[] = [];
  #outbox: ThreadCall[] = [];
  /** The calls of this tick that have asked whether they are alone. */
  #asking: { count: number } | undefined;
  #lastId = 0;

  constructor({ url, tls, headers, readMaxBytes, keepAliveMs }: CallThreadData) {
    this.#data = { url, tls, headers, readMaxBytes, keepAliveMs };
  }

  /** Starts the thread unless it is running; it accepts calls once it is {@link isReady}. */
  start(): void {
    this.#thread();
  }

  /** Whether the thread is running and connected; until then, calls are faster without it. */
  get isReady(): boolean {
    return this.#ready !== undefined && this.#ready === this.#worker;
  }

  /** Resolves when the thread is ready, or has ended before that. */
  async ready(): Promise<void> {
    if (!this.isReady) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /**
   * Whether a call about to be made would be the only one here: waking the thread for it takes longer than making it
   * elsewhere. Each of several calls of one tick has company.
   */
  async isAlone(): Promise<boolean> {
    this.#asking ??= { count: 0 };
    const asking = this.#asking;
    asking.count++;
    // Until all calls of this tick have asked.
    await Promise.resolve();
    this.#asking = undefined;
    return asking.count === 1 && this.#pending.size === 0;
  }

  #setReady(worker: Worker): void {
    this.#ready = worker;
    this.#release();
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Makes a call; those of one tick share one message. */
  call(wanted: Omit<ThreadCall, 'id'>): StartedCall {
    const id = ++this.#lastId;
    const worker = this.#thread();
    if (this.#pending.size === 0) worker.ref();
    const answer = new Promise<ThreadAnswer>((resolve) => this.#pending.set(id, resolve));
    if (this.#outbox.length === 0) queueMicrotask(() => this.#flush());
    this.#outbox.push({ id, ...wanted });
    return { answer, cancel: () => this.#cancel(id) };
  }

  /** Ends the thread; calls in flight get `CANCELLED`. */
  close(): void {
    this.#lose(this.#worker, status.CANCELLED, 'the client was closed');
  }

  #flush(): void {
    const calls = this.#outbox;
    this.#outbox = [];
    if (calls.length > 0) this.#worker?.postMessage({ calls });
  }

  #cancel(id: number): void {
    this.#flush();
    if (this.#pending.has(id)) this.#worker?.postMessage({ cancel: id });
  }

  #thread(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(workerFile('call'), { workerData: this.#data, name: 'calls' });
    worker.unref();
    worker.on('message', (message: FromCallThread) => {
      if ('answers' in message) for (const answer of message.answers) this.#settle(answer);
      else this.#setReady(worker);
    });
    const lost = (why: string): void => this.#lose(worker, status.UNAVAILABLE, `the thread that made the call ${why}`);
    worker.on('error', (error: unknown) => lost(`failed: ${String(error)}`));
    worker.on('exit', () => lost('ended'));
    this.#worker = worker;
    return worker;
  }

  #settle(answer: ThreadAnswer): void {
    const settle = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if (this.#pending.size === 0) this.#worker?.unref();
    settle?.(answer);
  }

  /** The thread is gone: its pending calls have an unknown outcome. */
  #lose(worker: Worker | undefined, code: number, details: string): void {
    if (worker === undefined || worker !== this.#worker) return;
    this.#worker = undefined;
    this.#outbox = [];
    this.#release();
    void worker.terminate();
    for (const id of [...this.#pending.keys()]) {
      this.#settle({ id, error: { code, details, metadata: [] }, sawHeaders: false });
    }
  }
}

/** Recreates the error that grpc-js would have thrown in this thread. */
export function serviceErrorOf({ code, details, metadata }: ThreadError): ServiceError {
  const own = new Metadata();
  for (const [name, value] of metadata) own.add(name, typeof value === 'string' ? value : Buffer.from(value));
  return Object.assign(new Error(`${code} ${details}`), { code, details, metadata: own });
}
