import type { HttpClient } from '../http-client.js';
import type { HttpStatusError } from '../http-error.js';
import { isStrongEtag, type RangeAnswer } from './open-range.js';
import type { DownloadSource, RenewableSource } from './source.js';

/** A source of a download and its state. */
export class Address {
  readonly http: HttpClient;
  /** Consecutive interruptions allowed. */
  readonly patience: number;
  /** Maximum wait for response headers, if the source has its own limit. */
  readonly timeoutMs: number | undefined;
  /** Interruptions left; below 0 the address is given up. */
  left: number;
  /** Number of times its file changed. */
  changes = 0;
  /** ETag of the version whose bytes are in the sink. */
  etag: string | undefined;
  #total: number | undefined;
  #url = '';
  readonly #source: DownloadSource | RenewableSource;

  constructor(source: DownloadSource | RenewableSource, patience: number) {
    this.http = source.http;
    this.patience = patience;
    this.left = patience;
    this.#source = source;
    if ('url' in source) {
      this.#url = source.url;
      this.timeoutMs = source.timeoutMs;
    } else this.etag = source.etag;
  }

  /** Last URL requested, or the one to request next. */
  get url(): string {
    return this.#url;
  }

  /** Whether a range request can be bound to the version in the sink. */
  get isBoundToVersion(): boolean {
    return isStrongEtag(this.etag);
  }

  /** Renews the URL; true if it now points to a different file. */
  async moved(): Promise<boolean> {
    if ('url' in this.#source) return false;
    const before = this.#url;
    this.#url = await this.#source.currentUrl();
    return before !== '' && fileOf(before) !== fileOf(this.#url);
  }

  /** Whether the source wants to be retried immediately. */
  onRefusal(refusal: HttpStatusError): boolean {
    return !('url' in this.#source) && (this.#source.onRefusal?.(refusal) ?? false);
  }

  /** Whether a response is from a different version of the file than earlier ones. */
  isOtherVersion({ start, etag, total }: RangeAnswer): boolean {
    // A full body in response to `If-Range` means a different version, unless its ETag says otherwise.
    const refusedRange = this.isBoundToVersion && start === 0;
    const otherTag = this.etag !== undefined && (etag === undefined ? refusedRange : etag !== this.etag);
    return otherTag || (this.#total !== undefined && total !== undefined && total !== this.#total);
  }

  learn({ etag, total }: RangeAnswer): void {
    this.etag = etag ?? this.etag;
    this.#total = total ?? this.#total;
  }

  forgetVersion(): void {
    this.etag = undefined;
    this.#total = undefined;
  }
}

/** Creates addresses of the sources, each with the same patience. */
export function addressesOf(sources: readonly (DownloadSource | RenewableSource)[], patience: number): Address[] {
  return sources.map((source) => new Address(source, patience));
}

function fileOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
