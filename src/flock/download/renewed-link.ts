import type { HttpClient, HttpStatusError, RenewableSource } from '../../net/index.js';
import { redactUrl } from '../../net/index.js';
import { FlockError } from '../errors.js';
import type { PresignedLink } from '../presigned-link.js';
import { parseS3Refusal } from './s3-answer.js';

/** Links with less time left than this are renewed before use, milliseconds. */
const LEAST_LEFT_MS = 60_000;

/** Options of a {@link RenewedLink}. */
export interface RenewedLinkOptions {
  readonly http: HttpClient;
  /** Fetches a freshly signed link to the same object. */
  readonly freshLink: () => Promise<PresignedLink>;
  /** Current time by the service's clock. */
  readonly serverNow: () => number;
  /** Maximum consecutive new links refused as expired. */
  readonly maxRefresh: number;
  readonly etag: string | undefined;
}

/** A presigned link that is renewed before it expires, and when the store says that it has expired. */
export class RenewedLink implements RenewableSource {
  readonly http: HttpClient;
  readonly etag: string | undefined;
  refreshes = 0;
  readonly #options: RenewedLinkOptions;
  #link: PresignedLink;
  #ended = false;
  #refusedInARow = 0;

  constructor(first: PresignedLink, options: RenewedLinkOptions) {
    this.http = options.http;
    this.etag = options.etag;
    this.#link = first;
    this.#options = options;
  }

  async currentUrl(): Promise<string> {
    const leftMs = (this.#link.expiresAtMs ?? Number.POSITIVE_INFINITY) - this.#options.serverNow();
    if (this.#ended || leftMs < LEAST_LEFT_MS) {
      this.#link = await this.#options.freshLink();
      this.#ended = false;
      this.refreshes++;
    }
    return this.#link.url.href;
  }

  /** The store accepted a request: resets the count of refused links. */
  accepted(): void {
    this.#refusedInARow = 0;
  }

  /** @throws FlockError `FLOCK_DOWNLOAD` or `FLOCK_PRESIGN_EXPIRED` when retrying cannot help */
  onRefusal(error: HttpStatusError): boolean {
    const { status } = error;
    if (status >= 500 || status === 429 || status === 408) return false;
    const { code, expired } = parseS3Refusal(error.body);
    if (status === 403 && expired) {
      if (++this.#refusedInARow > this.#options.maxRefresh) throw this.#staysExpired(error);
      this.#ended = true;
      return true;
    }
    const said = code === undefined ? '' : `: ${code}`;
    if (status === 404) throw this.#refused(error, `the store has no such file${said}`, 'ask FLock for its data');
    const skewed = code === 'RequestTimeTooSkewed' || code === 'SignatureDoesNotMatch';
    throw this.#refused(
      error,
      status === 403 ? `the store refused the link${said}` : `the store refused (HTTP ${status})${said}`,
      skewed ? 'Check the clock of this machine and that no proxy rewrites addresses.' : undefined,
    );
  }

  #refused(cause: HttpStatusError, message: string, hint: string | undefined): FlockError {
    return new FlockError('FLOCK_DOWNLOAD', message, {
      ...(cause.status === 404 && { code: 'NOT_FOUND' as const }),
      hint,
      ...this.#request(cause),
    });
  }

  #staysExpired(cause: HttpStatusError): FlockError {
    const { maxRefresh } = this.#options;
    return new FlockError(
      'FLOCK_PRESIGN_EXPIRED',
      `the store rejects the link as expired although it was renewed ${maxRefresh} times`,
      { hint: 'The clocks of the service and the store may differ; try again later.', ...this.#request(cause) },
    );
  }

  #request(cause: HttpStatusError) {
    return { method: 'GET', url: redactUrl(this.#link.url), status: cause.status, cause };
  }
}
