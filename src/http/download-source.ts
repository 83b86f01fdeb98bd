import type { HttpClient } from './http-client.js';

/** Where to look for bytes: a URL and the client that may dial it. */
export interface DownloadSource {
  readonly http: HttpClient;
  readonly url: string;
}
