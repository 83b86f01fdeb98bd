// Downloads that resume: files from several addresses, verified; streams that bridge interruptions; a file's lock.

export { parseContentRange } from './content-range.js';
export { type DownloadOptions, download } from './download.js';
export { checksumMismatch, sizeMismatch } from './failures.js';
export { type FileLock, lockFile, lockFileWhenFree } from './file-lock.js';
export { isStrongEtag } from './open-range.js';
export { openStream, type ResumingStream, type StreamOptions } from './open-stream.js';
export { PartFile, type PartRecord } from './part-file.js';
export type { DownloadSink, DownloadSource, RenewableSource } from './source.js';
