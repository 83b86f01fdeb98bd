export {
  type AddressPolicy,
  PUBLIC_AND_LOOPBACK,
  PUBLIC_ONLY,
} from './address-policy.js';
export { type Backoff, backoffDelayMs } from './backoff.js';
export { isLocalHostHeader, isLoopbackHost, normaliseBaseUrl } from './base-url.js';
export { bearerMatches } from './bearer.js';
export { allowManyListeners, type ChildSignal, childSignal } from './child-signal.js';
export {
  checksumMismatch,
  type DownloadOptions,
  type DownloadSink,
  type DownloadSource,
  download,
  downloadTimeoutMs,
  lockFile,
  lockFileWhenFree,
  openStream,
  PartFile,
  parseContentRange,
  type RenewableSource,
  sizeMismatch,
} from './download/index.js';
export { HttpClient, type HttpClientOptions, type HttpResponse } from './http-client.js';
export { HttpStatusError } from './http-error.js';
export { closeServer, hostAndPort, listen } from './listen.js';
export {
  atLeast,
  MIN_BODY_THROUGHPUT,
  MIN_DOWNLOAD_THROUGHPUT,
  type MinThroughput,
} from './min-throughput.js';
export { oneAtATime } from './one-at-a-time.js';
export { type ProxySettings, proxyOfEnvironment } from './proxy.js';
export { redactSecrets, redactUrl, withoutPasswords } from './redact.js';
export { type PacedRetryPolicy, type RetryDeps, type RetryPolicy, retry } from './retry.js';
export { parseRetryAfterMs } from './retry-after.js';
export { type Sleep, sleep } from './sleep.js';
export { unlessAborted } from './unless-aborted.js';
export { wasUnsent } from './was-unsent.js';
export { within } from './within.js';
