import type { HttpClient } from '../http-client.js';
import type { HttpStatusError } from '../http-error.js';
import { isStrongEtag, type RangeAnswer } from './open-range.js';
import type { DownloadSource, RenewableSource } from './source.js';

/** One source of a download and what is known about it by now. */
export class Address {
  readonly http: HttpClient;
  /** Interruptions in a row that it may have. */
  readonly patience: number;
  /** Longest wait for the head of an answer, where the source has its own. */
  readonly timeoutMs: number | undefined;
  /** Interruptions that it may still have; below 0 it is given up. */
  left: number;
  /** Times that its file became another one. */
  changes = 0;
  /** Of the version of its file that the sink holds bytes of. */
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

  /** The URL asked last, or to be asked. */
  get url(): string {
    return this.#url;
  }

  /** Whether a range of it can be bound to the version that the sink holds. */
  get isBoundToVersion(): boolean {
    return isStrongEtag(this.etag);
  }

  /** Renews the URL; true when it leads to another file than before. */
  async moved(): Promise<boolean> {
    if ('url' in this.#source) return false;
    const before = this.#url;
    this.#url = await this.#source.currentUrl();
    return before !== '' && fileOf(before) !== fileOf(this.#url);
  }

  /** Whether the source wants to be asked again at once. */
  onRefusal(refusal: HttpStatusError): boolean {
    return !('url' in this.#source) && (this.#source.onRefusal?.(refusal) ?? false);
  }

  /** Whether an answer is of another version of the file than the answers before. */
  isOtherVersion({ start, etag, total }: RangeAnswer): boolean {
    // A whole body where a range of a version was asked for (`If-Range`) is of another, unless it says otherwise.
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

/** The sources as addresses, each with the same patience. */
export function addressesOf(sources: readonly (DownloadSource | RenewableSource)[], patience: number): Address[] {
  return sources.map((source) => new Address(source, patience));
}

function fileOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
