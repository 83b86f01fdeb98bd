// Resumable, verified downloads from several addresses; streams that survive interruptions; file locks.

export { parseContentRange } from './content-range.js';
export { type DownloadOptions, download } from './download.js';
export { checksumMismatch, sizeMismatch } from './failures.js';
export { lockFile, lockFileWhenFree } from './file-lock.js';
export { openStream } from './open-stream.js';
export { PartFile } from './part-file.js';
export type { DownloadSink, DownloadSource, RenewableSource } from './source.js';
export { downloadTimeoutMs } from './timeout.js';
