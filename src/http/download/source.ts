import type { HttpClient } from '../http-client.js';
import type { HttpStatusError } from '../http-error.js';

/** Where to look for bytes: a URL and the client that may dial it. */
export interface DownloadSource {
  readonly http: HttpClient;
  readonly url: string;
  /** Longest wait for the head of an answer, milliseconds. Default: the download's. */
  readonly timeoutMs?: number | undefined;
}

/** A source whose URL is asked for before every request, for links that expire. */
export interface RenewableSource {
  readonly http: HttpClient;
  /** The URL to use now. Another origin or path than before is another file; another query is not. */
  readonly currentUrl: () => Promise<string>;
  /** ETag of what the sink holds already from this source, as an earlier run was told it. */
  readonly etag?: string | undefined;
  /**
   * Judges a refusal: true asks again at once, with a new URL; false leaves it to the general rules.
   *
   * @throws when asking again cannot help; the download ends with this error
   */
  readonly onRefusal?: ((refusal: HttpStatusError) => boolean) | undefined;
}

/** Takes the pieces of a download in order. */
export interface DownloadSink {
  /** Takes the next bytes; a promise holds the download until it settles. */
  write(bytes: Uint8Array): Promise<void> | void;
  /** Forgets everything written: it was not what is wanted. */
  restart(): Promise<void> | void;
}
