import { isAbort, QuarryError, toQuarryError } from '../../errors/index.js';
import {
  childSignal,
  type PacedRetryPolicy,
  type RetryDeps,
  sleep as realSleep,
  retry,
  type Sleep,
  wasUnsent,
} from '../../net/index.js';
import { DEFAULT_BASE_URL } from '../client-options.js';
import { APIError } from '../errors.js';
import {
  isJsonMembers,
  parseLosslessJson,
  stringifyLosslessJson,
  type VerifyReceiptOptions,
  verifyReceipt,
} from '../receipts/index.js';
import { type ApiAnswer, aitbcBaseUrl, fetchSend, httpClientSend, Transport } from '../transport.js';
import { isWire, type Wire } from '../wire.js';
import type { JobHandler, MinerEvent, MinerJob, MinerResult, MinerTotals, ReceiptStore } from './miner-types.js';

/** How long a result waits for a coordinator that is away or limits the rate: a quarter of an hour. */
const UNTAKEN: PacedRetryPolicy = { attempts: 20, backoff: { baseMs: 1_000, maxMs: 60_000 } };

/** Options of an {@link AITBCMiner}. */
export interface AITBCMinerOptions {
  readonly baseUrl?: string | undefined;
  /** The miner key. On older coordinators it also serves as the miner's id and appears in receipts. */
  readonly apiKey?: string | undefined;
  /** JWT with role `miner`, instead of a key. */
  readonly token?: string | undefined;
  /** Public id, sent as `X-Miner-ID`. Without it, newer coordinators publish the key. */
  readonly minerId: string;
  /**
   * Capabilities that the scheduler matches jobs against: `gpus`, `cuda`, `models`, `price`… Default {@link
   * SERVICE_CAPABILITIES}.
   */
  readonly capabilities?: Wire | undefined;
  /** Concurrent jobs. Default 1. */
  readonly concurrency?: number | undefined;
  /** Region announced to the scheduler. Default: none. */
  readonly region?: string | undefined;
  /** Interval between heartbeats, milliseconds. Default 15,000. */
  readonly heartbeatMs?: number | undefined;
  /** Polling interval, milliseconds, doubled while there is no work. Default 3,000. */
  readonly pollMs?: number | undefined;
  /** Maximum polling interval, milliseconds. Default 60,000. */
  readonly maxPollMs?: number | undefined;
  /** Maximum wait for a response, milliseconds. Default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Keys to trust in returned receipts. */
  readonly verify?: VerifyReceiptOptions | undefined;
  /** Used instead of the global one. */
  readonly fetch?: typeof fetch | undefined;
}

/** Dependencies of an {@link AITBCMiner}. */
export interface AITBCMinerDeps extends RetryDeps {
  readonly handler: JobHandler;
  readonly receipts?: ReceiptStore | undefined;
  /** Called with every event. */
  readonly onEvent?: ((event: MinerEvent) => void) | undefined;
  /** Milliseconds since the Unix epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** When a run ends. */
export interface MinerRunOptions {
  /** First stage: finish running jobs and accept no new ones. */
  readonly signal?: AbortSignal | undefined;
  /** Second stage: stop running jobs and report them as failed. */
  readonly killSignal?: AbortSignal | undefined;
  /** Stop after this many jobs. */
  readonly maxJobs?: number | undefined;
}

/**
 * Capabilities with which the scheduler assigns service jobs: their `gpu` constraint is the literal `nvidia` or `any`,
 * which must equal the name of an advertised GPU.
 */
export const SERVICE_CAPABILITIES: Wire = {
  gpus: [
    { name: 'any', memory_mb: 8192 },
    { name: 'nvidia', memory_mb: 8192 },
  ],
  cuda: '11.8',
  models: ['scoring'],
  price: 0.01,
};

/**
 * A miner for an AITBC coordinator: registers, sends heartbeats, polls, runs jobs, submits results, stores receipts.
 */
export class AITBCMiner {
  readonly #options: AITBCMinerOptions;
  readonly #deps: AITBCMinerDeps;
  readonly #transport: Transport;
  readonly #closeHttp: () => Promise<void>;
  readonly #running = new Set<Promise<void>>();
  readonly #sleep: Sleep;

  constructor(options: AITBCMinerOptions, deps: AITBCMinerDeps) {
    if (options.minerId === '') {
      throw new QuarryError('INVALID_ARGUMENT', 'the miner id is empty', {
        hint: 'without a public id, coordinators publish the key instead',
      });
    }
    this.#options = options;
    this.#deps = deps;
    this.#sleep = deps.sleep ?? realSleep;
    const http = options.fetch === undefined ? httpClientSend() : undefined;
    this.#closeHttp = http?.close ?? (async () => {});
    const secrets = [options.apiKey, options.token].filter((secret) => secret !== undefined);
    this.#transport = new Transport(
      {
        baseUrl: aitbcBaseUrl(options.baseUrl ?? DEFAULT_BASE_URL),
        timeoutMs: options.timeoutMs ?? 30_000,
        retries: 3,
        secrets: () => secrets,
      },
      { ...deps, send: http?.send ?? fetchSend(options.fetch!) },
    );
  }

  /** Registers this miner, or updates its registration. */
  async register(signal?: AbortSignal): Promise<void> {
    const { capabilities = SERVICE_CAPABILITIES, concurrency = 1, region = null } = this.#options;
    // An upsert, so safe to repeat.
    await this.#post('miner.register', '/v1/miners/register', { capabilities, concurrency, region }, signal, true);
    this.#emit({ type: 'registered' });
  }

  /** Reports that this miner is alive and how many jobs it is running; the scheduler uses the last reported number. */
  async heartbeat(signal?: AbortSignal): Promise<void> {
    const body = { inflight: this.#running.size, status: 'ONLINE', metadata: {} };
    await this.#post('miner.heartbeat', '/v1/miners/heartbeat', body, signal, true);
  }

  /** Takes a job if there is one. It counts as running from then on and cannot be returned. */
  async poll(signal?: AbortSignal): Promise<MinerJob | undefined> {
    const answer = await this.#post('miner.poll', '/v1/miners/poll', { max_wait_seconds: 5 }, signal);
    if (answer.status === 204 || answer.text === '') return undefined;
    const body = answer.json();
    if (!isWire(body) || typeof body['job_id'] !== 'string') {
      throw new QuarryError('PROTOCOL', 'miner.poll: the answer is not a job');
    }
    return {
      jobId: body['job_id'],
      payload: isWire(body['payload']) ? body['payload'] : {},
      constraints: isWire(body['constraints']) ? body['constraints'] : {},
    };
  }

  /** Submits a result; returns the receipt's exact text, or undefined if the coordinator issues none. */
  async submitResult(jobId: string, result: MinerResult, signal?: AbortSignal): Promise<string | undefined> {
    const path = `/v1/miners/${encodeURIComponent(jobId)}/result`;
    const body = { result: result.result, metrics: result.metrics ?? {} };
    const { text } = await this.#post('miner.submitResult', path, body, signal);
    const answer = parseLosslessJson(text);
    const receipt = isJsonMembers(answer) ? answer.get('receipt') : undefined;
    return isJsonMembers(receipt) ? stringifyLosslessJson(receipt) : undefined;
  }

  /** Reports a job as failed. */
  async submitFailure(jobId: string, code: string, message: string, signal?: AbortSignal): Promise<void> {
    const path = `/v1/miners/${encodeURIComponent(jobId)}/fail`;
    const body = { error_code: code, error_message: message, metrics: {} };
    await this.#post('miner.submitFailure', path, body, signal);
  }

  /** Mines until the signal fires or `maxJobs` were taken, then waits for running jobs. */
  async run(options: MinerRunOptions = {}): Promise<MinerTotals> {
    const { signal, killSignal, maxJobs = Number.POSITIVE_INFINITY } = options;
    const totals = { taken: 0, completed: 0, failed: 0, unknown: 0 };
    const stopHeartbeat = new AbortController();
    let wake: () => void = () => {};
    await this.register(signal);
    const heart = this.#beat(stopHeartbeat.signal);
    let pauseMs = this.#pollMs;
    try {
      while (!signal?.aborted && !killSignal?.aborted && totals.taken < maxJobs) {
        if (this.#running.size >= (this.#options.concurrency ?? 1)) {
          await Promise.race(this.#running);
          continue;
        }
        const job = await this.#tryPoll(signal);
        if (job === undefined) {
          if (this.#running.size === 0) this.#emit({ type: 'idle', nextPollMs: pauseMs });
          const finished = childSignal(signal);
          wake = () => finished.close();
          await this.#pause(pauseMs, finished.signal);
          finished.close();
          pauseMs = Math.min(pauseMs * 2, this.#options.maxPollMs ?? 60_000);
          continue;
        }
        pauseMs = this.#pollMs;
        totals.taken++;
        this.#emit({ type: 'job', jobId: job.jobId });
        const task = this.#execute(job, killSignal).then((outcome) => {
          totals[outcome]++;
          this.#running.delete(task);
          wake();
        });
        this.#running.add(task);
      }
      await Promise.all(this.#running);
    } finally {
      stopHeartbeat.abort();
      await heart;
    }
    return totals;
  }

  /** Closes connections; end `run` with its signal. */
  async close(): Promise<void> {
    await this.#closeHttp();
  }

  async #execute(job: MinerJob, killSignal: AbortSignal | undefined): Promise<'completed' | 'failed' | 'unknown'> {
    const now = this.#deps.now ?? Date.now;
    const started = now();
    let outcome: MinerResult;
    try {
      outcome = await this.#deps.handler(job, { signal: killSignal ?? new AbortController().signal });
    } catch (error) {
      return this.#reportFailure(job, error);
    }
    const durationMs = Math.max(0, Math.round(now() - started));
    const metrics = { duration_ms: durationMs, ...outcome.metrics };
    try {
      const receipt = await retry(
        () => this.submitResult(job.jobId, { result: outcome.result, metrics }),
        { ...UNTAKEN, isRetryable: wasNotTaken, signal: killSignal },
        this.#deps,
      );
      const verification = receipt === undefined ? undefined : verifyReceipt(receipt, this.#options.verify);
      if (receipt !== undefined) await this.#keep(job.jobId, receipt);
      this.#emit({ type: 'completed', jobId: job.jobId, durationMs, receipt, verification });
      return 'completed';
    } catch (error) {
      if (error instanceof APIError && error.status < 500) return this.#reportFailure(job, error);
      // Sent without a response: it may have been counted, so do not send it again.
      this.#emit({ type: 'unknown', jobId: job.jobId, error: toQuarryError(error, 'submitting a result') });
      return 'unknown';
    }
  }

  async #reportFailure(job: MinerJob, error: unknown): Promise<'failed' | 'unknown'> {
    const code = error instanceof QuarryError ? error.code : 'HANDLER_ERROR';
    const message = isAbort(error) ? 'the miner was stopped' : error instanceof Error ? error.message : String(error);
    const short = message.slice(0, 500);
    try {
      await this.submitFailure(job.jobId, code, short, AbortSignal.timeout(10_000));
    } catch (second) {
      this.#emit({ type: 'unknown', jobId: job.jobId, error: toQuarryError(second, 'reporting a failure') });
      return 'unknown';
    }
    this.#emit({ type: 'failed', jobId: job.jobId, code, message: short });
    return 'failed';
  }

  async #keep(jobId: string, receipt: string): Promise<void> {
    try {
      await this.#deps.receipts?.put(jobId, receipt);
    } catch (error) {
      this.#emit({ type: 'trouble', doing: 'keeping a receipt', error: toQuarryError(error, 'keeping a receipt') });
    }
  }

  async #tryPoll(signal: AbortSignal | undefined): Promise<MinerJob | undefined> {
    try {
      // Without the signal: discarding a response would leave a job marked as running that no miner runs.
      return await this.poll();
    } catch (error) {
      if (error instanceof APIError && (error.status === 401 || error.status === 403)) throw error;
      this.#emit({ type: 'trouble', doing: 'polling', error: toQuarryError(error, 'polling') });
      // A restarted coordinator without memory of this miner answers polls with 500 (or 404).
      if (error instanceof APIError && (error.status === 500 || error.status === 404))
        await this.#registerAgain(signal);
      return undefined;
    }
  }

  async #registerAgain(signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.register(signal);
      // Registering resets the count of running jobs on some coordinators.
      if (this.#running.size > 0) await this.heartbeat(signal);
    } catch (error) {
      this.#emit({ type: 'trouble', doing: 'registering', error: toQuarryError(error, 'registering') });
    }
  }

  async #beat(signal: AbortSignal): Promise<void> {
    while (await this.#pause(this.#options.heartbeatMs ?? 15_000, signal)) {
      try {
        await this.heartbeat(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#emit({ type: 'trouble', doing: 'heartbeat', error: toQuarryError(error, 'heartbeat') });
        if (error instanceof APIError && error.status === 404) await this.#registerAgain(signal);
      }
    }
  }

  get #pollMs(): number {
    return this.#options.pollMs ?? 3_000;
  }

  async #post(operation: string, path: string, body: unknown, signal?: AbortSignal, safe = false): Promise<ApiAnswer> {
    const { apiKey, token, minerId } = this.#options;
    return this.#transport.call({
      operation,
      resource: operation.startsWith('miner.submit') ? 'job' : 'miner',
      method: 'POST',
      path,
      body,
      safe,
      signal,
      headers: {
        ...(token !== undefined ? { authorization: `Bearer ${token}` } : { 'x-api-key': apiKey ?? '' }),
        'x-miner-id': minerId,
      },
    });
  }

  /** Returns false if the signal fired first. */
  async #pause(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      await this.#sleep(ms, signal);
      return true;
    } catch {
      return false;
    }
  }

  #emit(event: MinerEvent): void {
    this.#deps.onEvent?.(event);
  }
}

/** Whether a submission certainly did not count, and later may: only then is it sent again. */
function wasNotTaken(error: unknown): boolean {
  return wasUnsent(error) || (error instanceof APIError && error.status === 429);
}
