import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type QuarryError, throwIfAborted, toQuarryError } from '../../errors/index.js';
import { makeDirectory } from '../../files/make-directory.js';
import { assertNoDevice } from '../../files/regular-file.js';
import { replaceFile } from '../../files/replace-file.js';
import { download, HttpClient, lockFile, PartFile, type Sleep } from '../../net/index.js';
import { FlockError } from '../errors.js';
import { type PresignedLink, parsePresignedLink } from '../presigned-link.js';
import { oneLine } from '../remote-text.js';
import type { ServerClock } from '../time.js';
import type { CallOptions } from '../transport.js';
import type { TaskDetail } from '../types.js';
import { JsonlCheck, type JsonlReport } from './jsonl-check.js';
import { type DownloadProgress, ProgressMeter } from './progress.js';
import { RenewedLink } from './renewed-link.js';

/** Fields of a task's `data` that may hold the training link, the documented one first. */
const LINK_KEYS = ['training_set_url', 'training_data_url', 'training_zip_url', 'dataset_url'] as const;
/** Fields of newer task types that name a Hub data set: not a link, but mentioned in the error. */
const DATASET_KEYS = ['training_hf_dataset', 'hf_dataset_id', 'training_dataset_id'] as const;

/** Read size while verifying, bytes. */
const VERIFY_BYTES = 256 * 1024;
/** Consecutive interruptions before giving up; the part file is then kept. */
const MAX_INTERRUPTIONS = 8;
const BACKOFF = { baseMs: 500, maxMs: 30_000 };

/** Options of a training set download. */
export interface DownloadOptions {
  /** File, or existing directory. Default: `task-<id>-<name in the link>` in the working directory. */
  readonly dest?: string | undefined;
  /** Resume an earlier download. Default true. */
  readonly resume?: boolean | undefined;
  /** Replace an existing file. Default false. */
  readonly overwrite?: boolean | undefined;
  /** A request without data for this long is aborted and resumed. Default 30 s. */
  readonly stallTimeoutMs?: number | undefined;
  /** Consecutive new links that deliver no bytes. Default 5. */
  readonly maxRefresh?: number | undefined;
  /** `md5-if-possible` compares with the store's ETag if that is an MD5. Default. */
  readonly verify?: 'size' | 'md5-if-possible' | 'none' | undefined;
  /** Check a `.jsonl` file afterwards. Default true. */
  readonly validateJsonl?: boolean | undefined;
  /** Called as bytes arrive. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Dependencies of a download. */
export interface DownloadDeps {
  /** Milliseconds since the Unix epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  readonly sleep?: Sleep | undefined;
  /** Returns numbers in [0, 1) for retry jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** Result of a download. */
export interface DownloadResult {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The store's ETag, without quotes. */
  readonly etag: string | null;
  /** Whether the MD5 was compared with the ETag. */
  readonly md5Checked: boolean;
  readonly refreshes: number;
  readonly resumedFrom: number;
  /** For `.jsonl` files. */
  readonly jsonl?: JsonlReport | undefined;
}

/** An object behind presigned links. */
export interface LinkSource {
  readonly taskId?: number | undefined;
  /** A freshly signed link. */
  readonly freshLink: (call: CallOptions) => Promise<string>;
  /** The service's clock, which link expiry is compared with. */
  readonly clock: ServerClock;
}

/**
 * Downloads the training set of a task. Resumes across interruptions and expired links, and verifies the bytes. The
 * partial file is `<dest>.part`; `<dest>.meta.json` with size, hash and line count is written at the end.
 *
 * @throws FlockError `FLOCK_DOWNLOAD` when the task has no training link; the message lists the fields of its data
 * @throws FlockError `FLOCK_DOWNLOAD_LOCKED` when another process downloads to the same file
 * @throws FlockError `FLOCK_DOWNLOAD_INTEGRITY` when the bytes differ from what the store announced
 */
export async function downloadTrainingSet(
  options: DownloadOptions & {
    readonly taskId: number;
    readonly readTask: (call: CallOptions) => Promise<TaskDetail>;
    readonly clock: ServerClock;
  },
  deps: DownloadDeps = {},
): Promise<DownloadResult> {
  const { taskId, readTask, clock, ...rest } = options;
  return downloadObject({ taskId, clock, freshLink: async (call) => trainingLink(await readTask(call)) }, rest, deps);
}

/** Downloads the object that `source` links to; see `downloadTrainingSet`. */
export async function downloadObject(
  source: LinkSource,
  options: DownloadOptions = {},
  deps: DownloadDeps = {},
): Promise<DownloadResult> {
  const now = deps.now ?? Date.now;
  const call: CallOptions = { signal: options.signal };
  const freshLink = async (): Promise<PresignedLink> => {
    const link = parsePresignedLink(await source.freshLink(call));
    if (link === undefined) throw new FlockError('FLOCK_DOWNLOAD', "the task's link is not a URL");
    return link;
  };
  const first = await freshLink();
  const dest = await destination(options.dest ?? '.', first, source.taskId);
  assertNoDevice(dest);
  makeDirectory(dirname(dest));
  const lock = await lockFile(`${dest}.lock`).catch((error: unknown) => {
    throw downloadError(toQuarryError(error, `downloading to ${dest}`));
  });
  const part = new PartFile(dest);
  try {
    if (!options.overwrite && (await exists(dest))) {
      throw new FlockError('FLOCK_DOWNLOAD', `${dest} already exists`, {
        code: 'ALREADY_EXISTS',
        hint: 'Pass --overwrite to download it again, or -o for another location.',
      });
    }
    await part.open(first.object, options.resume ?? true);
    const meter = new ProgressMeter(options.onProgress, now);
    meter.resumedFrom = part.size;
    await receive(first, part, meter, source.clock, freshLink, options, { ...deps, now });
    return await finish(dest, part, meter, options, now, source.taskId);
  } catch (error) {
    throw downloadError(toQuarryError(error, `downloading to ${dest}`), part.size);
  } finally {
    await part.close();
    await lock.release();
  }
}

/** Downloads the rest of the object into `part`, renewing the link as often as needed. */
async function receive(
  first: PresignedLink,
  part: PartFile,
  meter: ProgressMeter,
  clock: ServerClock,
  freshLink: () => Promise<PresignedLink>,
  options: DownloadOptions,
  deps: DownloadDeps & { readonly now: () => number },
): Promise<void> {
  const stallMs = options.stallTimeoutMs ?? 30_000;
  const http = new HttpClient({ engine: 'lean', timeoutMs: stallMs, userAgent: 'quarry-flock' });
  const link = new RenewedLink(first, {
    http,
    freshLink,
    serverNow: () => clock.now(),
    maxRefresh: options.maxRefresh ?? 5,
    etag: part.record?.etag ?? undefined,
  });
  const note = (force: boolean): void => {
    meter.refreshes = link.refreshes;
    meter.note('downloading', part.size, part.record?.total ?? null, force);
  };
  try {
    await download(
      [link],
      part,
      {
        stallMs,
        startAt: part.size,
        maxInterruptions: MAX_INTERRUPTIONS,
        backoff: BACKOFF,
        onProgress: () => note(false),
        onHead: async ({ etag = null, total = null }) => {
          link.accepted();
          await part.describe({ object: first.object, etag, total, updatedAt: new Date(deps.now()).toISOString() });
          note(true);
        },
        signal: options.signal,
      },
      deps,
    );
  } finally {
    meter.refreshes = link.refreshes;
    await http.close();
  }
  meter.note('verifying', part.size, part.size, true);
}

/** Converts a failure to a FLock error. */
function downloadError(failure: QuarryError, received?: number): QuarryError {
  if (failure instanceof FlockError) return failure;
  const { cause, code, details, hint } = failure;
  const more = { code, cause: cause ?? failure, details, hint };
  if (code === 'STORE_LOCKED') return new FlockError('FLOCK_DOWNLOAD_LOCKED', failure.message, more);
  if (code === 'CHECKSUM_MISMATCH') return new FlockError('FLOCK_DOWNLOAD_INTEGRITY', failure.message, more);
  if (code === 'PROTOCOL' || (code === 'SIZE_MISMATCH' && !failure.retryable)) {
    return new FlockError('FLOCK_DOWNLOAD', failure.message, more);
  }
  if (!failure.retryable || code === 'ABORTED') return failure;
  return new FlockError('FLOCK_NETWORK', `the download stopped: ${failure.message}`, {
    cause: failure,
    method: 'GET',
    details: { ...details, received: received ?? 0 },
    hint: 'Run the same command again to resume.',
  });
}

/** @throws FlockError `FLOCK_DOWNLOAD` when the task's data has no training link */
function trainingLink(task: TaskDetail): string {
  const data = task.data ?? {};
  for (const key of LINK_KEYS) {
    const value = data[key];
    if (typeof value === 'string' && value !== '') return value;
  }
  const keys = Object.keys(data);
  const dataset = DATASET_KEYS.map((key) => data[key]).find((value) => typeof value === 'string');
  throw new FlockError(
    'FLOCK_DOWNLOAD',
    `task ${task.id} has no training link; its data ${keys.length === 0 ? 'is empty' : `holds ${keys.map(oneLine).join(', ')}`}`,
    {
      hint:
        dataset === undefined
          ? 'Only tasks of type training publish a training set.'
          : `The task names the Hub data set ${oneLine(String(dataset))}; download it from the Hub.`,
    },
  );
}

async function finish(
  dest: string,
  part: PartFile,
  meter: ProgressMeter,
  options: DownloadOptions,
  now: () => number,
  taskId: number | undefined,
): Promise<DownloadResult> {
  const verify = options.verify ?? 'md5-if-possible';
  const etag = part.record?.etag?.replace(/^W\//, '').replaceAll('"', '') ?? null;
  const total = part.record?.total ?? null;
  const checkMd5 = verify === 'md5-if-possible' && etag !== null && /^[0-9a-f]{32}$/i.test(etag);
  const jsonl = (options.validateJsonl ?? true) && dest.endsWith('.jsonl') ? new JsonlCheck() : undefined;
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  let bytes = 0;
  // One buffer for the whole file, so that memory stays constant for any size.
  const buffer = Buffer.allocUnsafe(VERIFY_BYTES);
  for (let read = -1; read !== 0; ) {
    throwIfAborted(options.signal, 'verifying the download');
    read = await part.read(buffer, bytes);
    const chunk = buffer.subarray(0, read);
    sha256.update(chunk);
    if (checkMd5) md5.update(chunk);
    jsonl?.push(chunk);
    bytes += read;
  }
  const wrong =
    verify !== 'none' && total !== null && bytes !== total
      ? `has ${bytes} bytes, but the store announced ${total}`
      : checkMd5 && md5.digest('hex') !== etag.toLowerCase()
        ? 'does not have the MD5 announced by the store'
        : undefined;
  if (wrong !== undefined) {
    await part.discard();
    throw new FlockError('FLOCK_DOWNLOAD_INTEGRITY', `the downloaded file ${wrong}`, {
      hint: 'It was removed; run the same command again.',
      details: { bytes, ...(total !== null && { total }) },
    });
  }
  await part.finish(dest);
  const report = jsonl?.finish();
  const digest = sha256.digest('hex');
  const meta = {
    taskId,
    etag,
    bytes,
    sha256: digest,
    ...(report !== undefined && { lines: report.lines }),
    downloadedAt: new Date(now()).toISOString(),
  };
  await replaceFile(`${dest}.meta.json`, `${JSON.stringify(meta, null, 2)}\n`, { mode: 0o666 });
  meter.note('done', bytes, bytes, true);
  return {
    path: dest,
    bytes,
    sha256: digest,
    etag,
    md5Checked: checkMd5,
    refreshes: meter.refreshes,
    resumedFrom: meter.resumedFrom,
    jsonl: report,
  };
}

async function destination(dest: string, link: PresignedLink, taskId: number | undefined): Promise<string> {
  const directory =
    dest.endsWith('/') ||
    (await stat(dest).then(
      (found) => found.isDirectory(),
      () => false,
    ));
  if (!directory) return dest;
  return join(dest, taskId === undefined ? link.fileName : `task-${taskId}-${link.fileName}`);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
