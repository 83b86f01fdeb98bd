import { createHash } from 'node:crypto';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { throwIfAborted, toQuarryError } from '../../errors/index.js';
import { type Sleep, sleep } from '../../http/index.js';
import { FlockError } from '../errors.js';
import { type PresignedLink, parsePresignedLink } from '../presigned-link.js';
import { oneLine } from '../remote-text.js';
import type { ServerClock } from '../time.js';
import type { CallOptions } from '../transport.js';
import type { TaskDetail } from '../types.js';
import { lockFile } from './file-lock.js';
import { JsonlCheck, type JsonlReport } from './jsonl-check.js';
import { PartFile } from './part-file.js';
import { type DownloadProgress, ProgressMeter } from './progress.js';
import { transfer } from './transfer.js';

/** Names of the training link in a task's `data`, the documented one first. */
const LINK_KEYS = ['training_set_url', 'training_data_url', 'training_zip_url', 'dataset_url'] as const;
/** Names of a Hub data set in newer task types: not a link, but worth telling. */
const DATASET_KEYS = ['training_hf_dataset', 'hf_dataset_id', 'training_dataset_id'] as const;

/** Read at a time while verifying. */
const VERIFY_BYTES = 256 * 1024;

/** How a training set is downloaded. */
export interface DownloadOptions {
  /** File, or existing directory. Default: the working directory, under `task-<id>-<name in the link>`. */
  readonly dest?: string;
  /** Go on where an earlier run stopped. Default true. */
  readonly resume?: boolean;
  /** Replace a finished file. Default false. */
  readonly overwrite?: boolean;
  /** Without a byte for this long the request is given up and resumed. Default 30 s. */
  readonly stallTimeoutMs?: number;
  /** New links in a row that bring no byte. Default 5. */
  readonly maxRefresh?: number;
  /** `md5-if-possible` compares with the store's ETag where that is an MD5. Default. */
  readonly verify?: 'size' | 'md5-if-possible' | 'none';
  /** Look through a `.jsonl` file afterwards. Default true. */
  readonly validateJsonl?: boolean;
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
}

/** What a download takes from outside. */
export interface DownloadDeps {
  readonly now?: () => number;
  readonly sleep?: Sleep;
  readonly random?: () => number;
}

/** A finished download. */
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
  readonly jsonl?: JsonlReport;
}

/** One object behind presigned links. */
export interface LinkSource {
  readonly taskId?: number;
  /** A freshly signed link. */
  readonly freshLink: (call: CallOptions) => Promise<string>;
  /** The service's clock, against which links expire. */
  readonly clock: ServerClock;
}

/**
 * Downloads the training set of a task: resumable, through expiring links, byte-identical or not at all. The partial
 * file is `<dest>.part`; a `<dest>.meta.json` with size, hash and line count is written at the end.
 *
 * @throws FlockError `FLOCK_DOWNLOAD` when the task has no training link; the message lists what its data holds
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

/** Downloads whatever presigned links of `source` lead to; see {@link downloadTrainingSet}. */
export async function downloadObject(
  source: LinkSource,
  options: DownloadOptions = {},
  deps: DownloadDeps = {},
): Promise<DownloadResult> {
  const now = deps.now ?? Date.now;
  const call: CallOptions = options.signal === undefined ? {} : { signal: options.signal };
  const freshLink = async (): Promise<PresignedLink> => {
    const link = parsePresignedLink(await source.freshLink(call));
    if (link === undefined) throw new FlockError('FLOCK_DOWNLOAD', 'the link of the task is not an address');
    return link;
  };
  const first = await freshLink();
  const dest = await destination(options.dest ?? '.', first, source.taskId);
  await mkdir(dirname(dest), { recursive: true });
  const lock = await lockFile(`${dest}.lock`);
  try {
    if (!options.overwrite && (await exists(dest))) {
      throw new FlockError('FLOCK_DOWNLOAD', `${dest} exists already`, {
        code: 'ALREADY_EXISTS',
        hint: 'Pass --overwrite to download it again, or -o for another place.',
      });
    }
    const part = new PartFile(dest);
    const meter = new ProgressMeter(options.onProgress, now);
    try {
      await part.open(first.object, options.resume ?? true);
      meter.resumedFrom = part.size;
      const bytes = await transfer(
        first,
        part,
        meter,
        {
          ...(source.taskId !== undefined && { taskId: source.taskId }),
          freshLink,
          serverNow: () => source.clock.now(),
          stallTimeoutMs: options.stallTimeoutMs ?? 30_000,
          maxRefresh: options.maxRefresh ?? 5,
          ...(options.signal !== undefined && { signal: options.signal }),
        },
        { sleep: deps.sleep ?? sleep, random: deps.random ?? Math.random, now },
      );
      meter.note('verifying', bytes, bytes, true);
      return await finish(dest, part, meter, options, now, source.taskId);
    } finally {
      await part.close();
    }
  } catch (error) {
    throw toQuarryError(error, `downloading to ${dest}`);
  } finally {
    await lock.release();
  }
}

/** @throws FlockError `FLOCK_DOWNLOAD` when the data of the task holds no training link */
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
          ? 'Only tasks of type training publish a training set this way.'
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
  // One buffer for the whole file: a training set is read without filling the memory.
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
      ? `has ${bytes} bytes where the store announced ${total}`
      : checkMd5 && md5.digest('hex') !== etag.toLowerCase()
        ? 'has another MD5 than the store announced'
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
    ...(taskId !== undefined && { taskId }),
    etag,
    bytes,
    sha256: digest,
    ...(report !== undefined && { lines: report.lines }),
    downloadedAt: new Date(now()).toISOString(),
  };
  await writeFile(`${dest}.meta.json.tmp`, `${JSON.stringify(meta, null, 2)}\n`);
  await rename(`${dest}.meta.json.tmp`, `${dest}.meta.json`);
  meter.note('done', bytes, bytes, true);
  return {
    path: dest,
    bytes,
    sha256: digest,
    etag,
    md5Checked: checkMd5,
    refreshes: meter.refreshes,
    resumedFrom: meter.resumedFrom,
    ...(report !== undefined && { jsonl: report }),
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
