import { QuarryError } from '../errors/index.js';
import { type Backoff, retry } from '../net/index.js';
import { decodeAssignment } from './decode.js';
import { hasReason } from './errors.js';
import { parseTaskId } from './identifiers.js';
import { isJsonObject, type Json, type JsonObject } from './json.js';
import { type CallOptions, type FlockTransport, isAmbiguous } from './transport.js';
import type { ValidationAssignment } from './types.js';

/** Attempts to post a result whose response was lost, including the first. */
const STORE_ATTEMPTS = 5;
const STORE_BACKOFF: Backoff = { baseMs: 1_000, maxMs: 16_000 };

/** Outcome of posting a result. */
export interface StoredResult {
  /**
   * `probably`: the response to the first attempt was lost, and the service then reported the assignment as settled.
   */
  readonly stored: 'yes' | 'probably';
  readonly reply: Json;
}

/** A validator's assignments. */
export class Validation {
  readonly #transport: FlockTransport;

  constructor(transport: FlockTransport) {
    this.#transport = transport;
  }

  /**
   * Requests one submission to score. Never retried automatically: a lost response may have used up the assignment.
   *
   * @throws FlockError `FLOCK_NO_WORK` when no submission is waiting
   * @throws FlockError `FLOCK_RATE_LIMITED` when called more often than every three minutes
   */
  async request(taskId: number | string, options: CallOptions = {}): Promise<ValidationAssignment> {
    const id = parseTaskId(taskId);
    const { json } = await this.#transport.call({
      method: 'POST',
      path: `tasks/request-validation-assignment/${id}`,
      auth: true,
      repeat: 'never',
      ...options,
    });
    return decodeAssignment(json);
  }

  /**
   * Posts the metrics of a scored assignment.
   *
   * @throws QuarryError `NON_FINITE` when a metric is NaN or infinite; nothing is sent then
   * @throws FlockError `FLOCK_ASSIGNMENT_NOT_VALIDATING` when the assignment ran out of time
   */
  async complete(id: number | string, metrics: JsonObject, options: CallOptions = {}): Promise<StoredResult> {
    checkMetrics(metrics);
    return this.#update(id, { status: 'completed', data: metrics }, options);
  }

  /** Reports that the submission cannot be scored, which frees the validator for another one. */
  async fail(id: number | string, options: CallOptions = {}): Promise<StoredResult> {
    return this.#update(id, { status: 'failed' }, options);
  }

  async #update(id: number | string, body: JsonObject, options: CallOptions): Promise<StoredResult> {
    let lost = false;
    const attempt = async (): Promise<StoredResult> => {
      try {
        const { json } = await this.#transport.call({
          method: 'POST',
          path: `tasks/update-validation-assignment/${encodeURIComponent(String(id))}`,
          json: body,
          auth: true,
          ...options,
        });
        return { stored: 'yes', reply: json };
      } catch (error) {
        if (lost && hasReason(error, 'FLOCK_ASSIGNMENT_NOT_VALIDATING')) {
          return { stored: 'probably', reply: error.detail ?? null };
        }
        // Accepted, but the response is not JSON: only the 2xx status matters here.
        if (hasReason(error, 'FLOCK_DECODE') && (error.status ?? 0) >= 200 && (error.status ?? 0) < 300) {
          return { stored: 'yes', reply: null };
        }
        lost ||= isAmbiguous(error);
        throw error;
      }
    };
    return retry(
      attempt,
      {
        attempts: STORE_ATTEMPTS,
        backoff: STORE_BACKOFF,
        isRetryable: isAmbiguous,
        signal: options.signal,
      },
      this.#transport,
    );
  }
}

/**
 * Checks that all numbers are finite: JSON would turn NaN and infinity into null.
 *
 * @throws QuarryError `NON_FINITE` with the path of the first one that is not
 */
export function checkMetrics(metrics: unknown, path = 'metrics'): void {
  if (typeof metrics === 'number' && !Number.isFinite(metrics)) {
    throw new QuarryError('NON_FINITE', `${path} is ${metrics}; the service accepts only finite numbers`, {
      hint: 'Send 999.0 (loss) or -999 (score) for a model that cannot be scored, or report it as failed.',
      details: { path },
    });
  }
  if (Array.isArray(metrics)) for (const [index, entry] of metrics.entries()) checkMetrics(entry, `${path}[${index}]`);
  else if (isJsonObject(metrics)) {
    for (const [key, entry] of Object.entries(metrics)) checkMetrics(entry, `${path}.${key}`);
  }
}
