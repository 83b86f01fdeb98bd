import { throwIfAborted } from '../../errors/index.js';
import type { Sleep } from '../../net/index.js';
import type { CallOptions, CoordinatorDialect } from '../dialects/dialect.js';
import { isTerminal } from '../dialects/live-mapping.js';
import { APIError, JobFailedError, NotReadyError, TimeoutError } from '../errors.js';
import {
  type CancelledJob,
  type CreatedJob,
  type Job,
  type JobInput,
  type JobList,
  type JobPage,
  type JobQuery,
  type JobResults,
  type LiveJobOptions,
  SHAPES,
} from '../models.js';
import type { CoordinatorSocket } from '../websocket/coordinator-socket.js';
import type { JobUpdate } from '../websocket/socket-types.js';
import { fromWire, isWire, toWire } from '../wire.js';

/** Runs an operation in the server's dialect. */
export type Run = <T>(
  operation: string,
  options: CallOptions,
  call: (dialect: CoordinatorDialect) => Promise<T>,
) => Promise<T>;

/** How long and how often to poll a job. */
export interface WaitOptions extends CallOptions {
  /** Milliseconds. Default 300 000. */
  readonly timeout?: number | undefined;
  /** Polling interval, milliseconds. Default 5 000. */
  readonly pollInterval?: number | undefined;
  /** Called on every status change. */
  readonly onUpdate?: ((job: Job) => void) | undefined;
}

/** Dependencies of the jobs namespace. */
export interface JobsDeps {
  readonly run: Run;
  readonly openSocket: () => CoordinatorSocket;
  readonly now: () => number;
  readonly sleep: Sleep;
}

/** Polls of an expired job before giving up: a slow miner's result can still complete it. */
const LOOKS_AFTER_EXPIRY = 3;

/** `client.jobs`. */
export class JobsNamespace {
  readonly #deps: JobsDeps;

  constructor(deps: JobsDeps) {
    this.#deps = deps;
  }

  /**
   * Creates a job. Never retried automatically after an ambiguous failure. Live options have no effect on a documented
   * server.
   */
  async create(input: JobInput, options: LiveJobOptions & CallOptions = {}): Promise<CreatedJob> {
    const { signal, ...live } = options;
    const body = toWire(input, SHAPES.jobInput);
    return fromWire(
      await this.#deps.run('jobs.create', { signal }, (dialect) => dialect.createJob(body, toWire(live), { signal })),
    );
  }

  /** Creates jobs one after the other; stops at the first failure. */
  async createBatch(inputs: readonly JobInput[], options: LiveJobOptions & CallOptions = {}): Promise<CreatedJob[]> {
    const created: CreatedJob[] = [];
    for (const input of inputs) created.push(await this.create(input, options));
    return created;
  }

  /** @throws NotFoundError when the job does not exist or belongs to another client */
  async get(jobId: string, options: CallOptions = {}): Promise<Job> {
    return fromWire(await this.#deps.run('jobs.get', options, (dialect) => dialect.getJob(jobId, options)));
  }

  /** Alias of {@link get}. */
  async getStatus(jobId: string, options: CallOptions = {}): Promise<Job> {
    return this.get(jobId, options);
  }

  /** Gets the states of several jobs, in order. */
  async getStatusBatch(jobIds: readonly string[], options: CallOptions = {}): Promise<Job[]> {
    return Promise.all(jobIds.map((jobId) => this.get(jobId, options)));
  }

  /**
   * One page of jobs with totals.
   *
   * @throws UnsupportedOperationError on a `live-key` coordinator, which keeps no list
   */
  async listPage(query: JobQuery = {}, options: CallOptions = {}): Promise<JobPage> {
    const wire = toWire(query);
    const page = await this.#deps.run('jobs.list', options, (dialect) => dialect.listJobs(wire, options));
    return fromWire(page, SHAPES.jobPage);
  }

  /** One page of jobs as an array, which also carries `total`, `limit` and `offset`. */
  async list(query: JobQuery = {}, options: CallOptions = {}): Promise<JobList> {
    const page = await this.listPage(query, options);
    const { jobs, total, limit, offset } = page;
    return Object.assign([...jobs], { total, limit, offset });
  }

  /** @throws ConflictError `JOB_ALREADY_COMPLETED` */
  async cancel(jobId: string, options: CallOptions = {}): Promise<CancelledJob> {
    return fromWire(await this.#deps.run('jobs.cancel', options, (dialect) => dialect.cancelJob(jobId, options)));
  }

  /** Alias of {@link cancel}. */
  async delete(jobId: string, options: CallOptions = {}): Promise<CancelledJob> {
    return this.cancel(jobId, options);
  }

  /**
   * Results of a completed job.
   *
   * @throws NotReadyError while it is running
   * @throws JobFailedError when it ended without results
   */
  async getResults(jobId: string, options: CallOptions = {}): Promise<JobResults> {
    return fromWire(await this.#deps.run('jobs.getResults', options, (dialect) => dialect.getResults(jobId, options)));
  }

  /**
   * Waits until a job ends and returns its results.
   *
   * @throws JobFailedError when it failed, expired or was cancelled
   * @throws TimeoutError when it takes longer than `timeout`
   */
  async waitForCompletion(jobId: string, options: WaitOptions = {}): Promise<JobResults> {
    const { timeout = 300_000, pollInterval = 5_000, onUpdate, signal } = options;
    const deadline = this.#deps.now() + timeout;
    let lastStatus: string | undefined;
    let looksAfterExpiry = 0;
    for (;;) {
      throwIfAborted(signal, `waiting for job ${jobId}`);
      const job = await this.get(jobId, { signal });
      if (job.status !== lastStatus) onUpdate?.(job);
      lastStatus = job.status;
      if (job.status === 'completed') {
        const results = await this.#resultsOf(jobId, signal);
        if (results !== undefined) return results;
      } else if (isTerminal(job.status)) {
        const mayRevive = job.rawState === 'EXPIRED' && looksAfterExpiry++ < LOOKS_AFTER_EXPIRY;
        if (!mayRevive) throw new JobFailedError(jobId, job.status, job.error);
      }
      const leftMs = deadline - this.#deps.now();
      if (leftMs <= 0) {
        throw new TimeoutError('TIMEOUT', `job ${jobId} is still ${job.status} after ${timeout} ms`, {
          hint: 'wait longer; the job continues',
          details: { jobId, status: job.status },
        });
      }
      await this.#deps.sleep(Math.min(pollInterval, leftMs), signal);
    }
  }

  /** Status changes of a job until it ends, by websocket or polling. */
  async *streamUpdates(jobId: string, options: CallOptions = {}): AsyncGenerator<JobUpdate, void> {
    const socket = this.#deps.openSocket();
    let failure: Error | undefined;
    socket.on('error', (error) => {
      // An unreadable job ends the stream; the socket retries everything else.
      if (!(error instanceof APIError) || error.status >= 500 || error.status === 429) return;
      failure = error;
      socket.close();
    });
    socket.subscribe('jobs', { jobId });
    try {
      for await (const event of socket.events(options)) {
        if (event.type !== 'job_update' || event.jobId !== jobId) continue;
        yield event;
        if (isTerminal(event.status) && event.rawState !== 'EXPIRED') return;
      }
    } finally {
      socket.close();
    }
    if (failure !== undefined) throw failure;
    throwIfAborted(options.signal, `watching job ${jobId}`);
  }

  /** Calls back on every status change until the job ends. Returns a function that stops it. */
  onUpdate(jobId: string, callback: (update: JobUpdate) => void, onError?: (error: unknown) => void): () => void {
    const stop = new AbortController();
    const follow = async (): Promise<void> => {
      for await (const update of this.streamUpdates(jobId, { signal: stop.signal })) {
        if (!stop.signal.aborted) callback(update);
      }
    };
    follow().catch((error: unknown) => {
      if (!stop.signal.aborted) onError?.(error);
    });
    return () => stop.abort();
  }

  /** Results of a job reported as completed; undefined while the server has not caught up. */
  async #resultsOf(jobId: string, signal: AbortSignal | undefined): Promise<JobResults | undefined> {
    let results: JobResults;
    try {
      results = await this.getResults(jobId, { signal });
    } catch (error) {
      if (error instanceof NotReadyError) return undefined;
      throw error;
    }
    // Deployed miners report failures as results, which leaves the job "completed".
    const inner = isWire(results.results) ? results.results : {};
    if (inner['status'] === 'failed') {
      throw new JobFailedError(jobId, 'failed', typeof inner['error'] === 'string' ? inner['error'] : undefined);
    }
    return results;
  }
}
