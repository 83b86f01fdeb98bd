export {
  type AddressPolicy,
  assertUrlAllowed,
  guardedLookup,
  isAddressAllowed,
  PUBLIC_AND_LOOPBACK,
  PUBLIC_ONLY,
} from './address-policy.js';
export { type Backoff, backoffDelayMs, DEFAULT_BACKOFF } from './backoff.js';
export { type BaseUrlRules, isLoopbackHost, normaliseBaseUrl } from './base-url.js';
export {
  checksumMismatch,
  type DownloadOptions,
  type DownloadSink,
  type DownloadSource,
  download,
  type FileLock,
  isStrongEtag,
  lockFile,
  lockFileWhenFree,
  openStream,
  PartFile,
  type PartRecord,
  parseContentRange,
  type RenewableSource,
  type ResumingStream,
  type StreamOptions,
  sizeMismatch,
} from './download/index.js';
export { HttpClient, type HttpClientOptions, type HttpRequest, type HttpResponse } from './http-client.js';
export { HttpStatusError } from './http-error.js';
export {
  atLeast,
  DOWNLOAD_STALL_MS,
  LEAST_BODY_RATE,
  LEAST_DOWNLOAD_RATE,
  type MinThroughput,
} from './min-throughput.js';
export { redactSecrets, redactUrl } from './redact.js';
export { type PacedRetryPolicy, type RetryDeps, type RetryOptions, type RetryPolicy, retry } from './retry.js';
export { parseRetryAfterMs } from './retry-after.js';
export { type Sleep, sleep } from './sleep.js';
export { wasUnsent } from './was-unsent.js';
