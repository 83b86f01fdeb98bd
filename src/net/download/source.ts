import type { HttpClient } from '../http-client.js';
import type { HttpStatusError } from '../http-error.js';

/** A URL to download from and the client for it. */
export interface DownloadSource {
  readonly http: HttpClient;
  readonly url: string;
  /** Maximum wait for response headers, milliseconds. Default: the download's. */
  readonly timeoutMs?: number | undefined;
}

/** A source whose URL is renewed before each request, for links that expire. */
export interface RenewableSource {
  readonly http: HttpClient;
  /** Returns the URL to use now. A different origin or path means a different file; a different query does not. */
  readonly currentUrl: () => Promise<string>;
  /** ETag of the bytes of this source already in the sink, as recorded by an earlier run. */
  readonly etag?: string | undefined;
  /**
   * Decides on a refusal: true retries at once with a new URL; false applies the general rules.
   *
   * @throws when retrying cannot help; the download fails with this error
   */
  readonly onRefusal?: ((refusal: HttpStatusError) => boolean) | undefined;
}

/** Receives the bytes of a download in order. */
export interface DownloadSink {
  /** Takes the next bytes; the download waits for the promise. */
  write(bytes: Uint8Array): Promise<void> | void;
  /** Discards everything written: it was not the wanted file. */
  restart(): Promise<void> | void;
}
