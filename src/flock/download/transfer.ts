import { isAbort, QuarryError, throwIfAborted, toQuarryError } from '../../errors/index.js';
import {
  backoffDelayMs,
  HttpClient,
  type HttpResponse,
  HttpStatusError,
  redactUrl,
  type Sleep,
} from '../../http/index.js';
import { FlockError } from '../errors.js';
import type { PresignedLink } from '../presigned-link.js';
import type { PartFile } from './part-file.js';
import type { ProgressMeter } from './progress.js';
import { parseContentRange, parseS3Refusal } from './s3-answer.js';

/** A link with less time left than this is replaced before it is used, in milliseconds. */
const LEAST_LEFT_MS = 60_000;
/** Failures in a row without a single byte before giving up. */
const MAX_FAILURES = 8;
/** Times a transfer may begin again at the first byte. */
const MAX_RESTARTS = 5;
const BACKOFF = { baseMs: 500, maxMs: 30_000 };

/** What {@link transfer} needs to know. */
export interface TransferOptions {
  readonly taskId?: number;
  /** Fetches a freshly signed link to the same object. */
  readonly freshLink: () => Promise<PresignedLink>;
  /** Present time by the service's clock. */
  readonly serverNow: () => number;
  readonly stallTimeoutMs: number;
  readonly maxRefresh: number;
  readonly signal?: AbortSignal;
}

/** What {@link transfer} works with. */
export interface TransferDeps {
  readonly sleep: Sleep;
  readonly random: () => number;
  readonly now: () => number;
}

/**
 * Brings the rest of an object into `part`: ranges bound to its ETag, new links when the old one ends, patience with
 * dropped and stalled connections. Returns its length in bytes.
 *
 * @throws FlockError `FLOCK_DOWNLOAD` when the store refuses for another reason than time
 * @throws FlockError `FLOCK_PRESIGN_EXPIRED` when fresh links keep being refused as expired
 */
export async function transfer(
  first: PresignedLink,
  part: PartFile,
  meter: ProgressMeter,
  options: TransferOptions,
  deps: TransferDeps,
): Promise<number> {
  const http = new HttpClient({ engine: 'lean', timeoutMs: options.stallTimeoutMs, userAgent: 'quarry-flock' });
  let link = first;
  let checkLeft = true;
  let failures = 0;
  let restarts = 0;
  let changes = 0;
  let emptyRefreshes = 0;

  const refresh = async (): Promise<void> => {
    const next = await options.freshLink();
    meter.refreshes++;
    checkLeft = false;
    if (next.object !== link.object) {
      if (++changes > 1) throw changed(link);
      await part.restart();
    }
    link = next;
  };
  const startOver = async (): Promise<void> => {
    if (++restarts > MAX_RESTARTS) throw unresumable(link);
    await part.restart();
  };

  try {
    for (;;) {
      throwIfAborted(options.signal, 'the download');
      if (checkLeft && link.expiresAtMs !== undefined && link.expiresAtMs - options.serverNow() < LEAST_LEFT_MS) {
        await refresh();
      }
      checkLeft = true;
      const before = part.size;
      try {
        const response = await ask(http, link, part, options);
        const answer = await accept(response, link, part, options, deps.now);
        if (answer === 'start-over') {
          await response.discard();
          await startOver();
          continue;
        }
        if (answer === 'restarted' && ++restarts > MAX_RESTARTS) {
          await response.discard();
          throw unresumable(link);
        }
        if (await receive(response, part, meter)) return part.size;
        throw new QuarryError('UNREACHABLE', 'the store closed the connection early');
      } catch (error) {
        if (isAbort(error) || options.signal?.aborted)
          throw toQuarryError(options.signal?.reason ?? error, 'the download');
        const progressed = part.size > before;
        if (progressed) {
          failures = 0;
          emptyRefreshes = 0;
        }
        if (error instanceof HttpStatusError) {
          const next = judge(error, part, link);
          if (next === 'complete') return part.size;
          if (next === 'refresh') {
            if (++emptyRefreshes > options.maxRefresh) throw expired(link, error, options.maxRefresh);
            await refresh();
            continue;
          }
          if (next === 'changed') {
            if (++changes > 1) throw changed(link);
            await part.restart();
            continue;
          }
          if (next === 'start-over') {
            await startOver();
            continue;
          }
        } else if (!isConnectionTrouble(error)) throw error;
        if (++failures > MAX_FAILURES) throw gaveUp(link, error, part);
        await deps.sleep(backoffDelayMs(failures - 1, BACKOFF, deps.random), options.signal);
      }
    }
  } finally {
    await http.close();
  }
}

async function ask(
  http: HttpClient,
  link: PresignedLink,
  part: PartFile,
  options: TransferOptions,
): Promise<HttpResponse> {
  const etag = part.record?.etag;
  return http.request({
    url: link.url.href,
    retry: { attempts: 1 },
    headers: {
      'accept-encoding': 'identity',
      ...(part.size > 0 && typeof etag === 'string' && { range: `bytes=${part.size}-`, 'if-match': etag }),
    },
    ...(options.signal !== undefined && { signal: options.signal }),
  });
}

/** Compares the head of an answer with what the part file holds, before any byte of its body is taken. */
async function accept(
  response: HttpResponse,
  link: PresignedLink,
  part: PartFile,
  options: TransferOptions,
  now: () => number,
): Promise<'go-on' | 'start-over' | 'restarted'> {
  const encoding = response.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    await response.discard();
    throw refusal(link, response.status, `the store sends ${encoding} although plain bytes were asked for`);
  }
  let outcome: 'go-on' | 'restarted' = 'go-on';
  let total: number | null;
  if (response.status === 206) {
    const range = parseContentRange(response.headers['content-range']);
    const known = part.record?.total ?? undefined;
    const sameTotal = known === undefined || range?.total === undefined || known === range.total;
    if (range?.start !== part.size || !sameTotal) return 'start-over';
    total = range.total ?? known ?? null;
  } else {
    if (part.size > 0) {
      await part.restart();
      outcome = 'restarted';
    }
    const length = response.headers['content-length'];
    total = length !== undefined && /^\d+$/.test(length) ? Number(length) : null;
  }
  await part.describe({
    ...(options.taskId !== undefined && { taskId: options.taskId }),
    object: link.object,
    etag: response.headers['etag'] ?? part.record?.etag ?? null,
    total,
    updatedAt: new Date(now()).toISOString(),
  });
  return outcome;
}

/** Takes the body; true when the object is complete. */
async function receive(response: HttpResponse, part: PartFile, meter: ProgressMeter): Promise<boolean> {
  const total = part.record?.total ?? null;
  meter.note('downloading', part.size, total, true);
  try {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      if (total !== null && part.size + chunk.length > total) {
        throw refusal(undefined, response.status, 'the store sent more bytes than it had announced');
      }
      await part.append(chunk);
      meter.note('downloading', part.size, total);
    }
  } finally {
    response.body.destroy();
  }
  return total === null || part.size === total;
}

function judge(
  error: HttpStatusError,
  part: PartFile,
  link: PresignedLink,
): 'refresh' | 'changed' | 'start-over' | 'complete' | 'retry' {
  const said = parseS3Refusal(error.body);
  switch (error.status) {
    case 403:
      if (said.expired) return 'refresh';
      if (said.code === 'RequestTimeTooSkewed' || said.code === 'SignatureDoesNotMatch') {
        throw refusal(
          link,
          403,
          `the store refused the link: ${said.code}`,
          'Check the clock of this machine and that no proxy rewrites addresses.',
          error,
        );
      }
      throw refusal(
        link,
        403,
        `the store refused the link${said.code === undefined ? '' : `: ${said.code}`}`,
        undefined,
        error,
      );
    case 404:
      throw refusal(
        link,
        404,
        `the store has no such file${said.code === undefined ? '' : ` (${said.code})`}`,
        'The task may have lost its data; ask FLock.',
        error,
      );
    case 412:
      return 'changed';
    case 416: {
      const total = parseContentRange(error.headers['content-range'])?.total ?? part.record?.total;
      return part.size > 0 && total === part.size ? 'complete' : 'start-over';
    }
    default:
      if (error.status >= 500 || error.status === 429 || error.status === 408) return 'retry';
      throw refusal(
        link,
        error.status,
        `the store refused (HTTP ${error.status})${said.code === undefined ? '' : `: ${said.code}`}`,
        undefined,
        error,
      );
  }
}

/** Anything that broke between the two machines; what broke on this one (disk, our own refusals) is not. */
function isConnectionTrouble(error: unknown): boolean {
  if (error instanceof FlockError) return false;
  if (error instanceof QuarryError) return error.code === 'UNREACHABLE' || error.code === 'TIMEOUT';
  const code = (error as NodeJS.ErrnoException).code;
  if (typeof code === 'string')
    return code.startsWith('UND_ERR') || code === 'ECONNRESET' || code === 'EPIPE' || code === 'ETIMEDOUT';
  return error instanceof TypeError && error.message === 'terminated';
}

function refusal(
  link: PresignedLink | undefined,
  status: number,
  message: string,
  hint?: string,
  cause?: unknown,
): FlockError {
  return new FlockError('FLOCK_DOWNLOAD', message, {
    status,
    ...(status === 404 && { code: 'NOT_FOUND' as const }),
    ...(link !== undefined && { method: 'GET', url: redactUrl(link.url) }),
    ...(hint !== undefined && { hint }),
    cause,
  });
}

function expired(link: PresignedLink, cause: unknown, refreshes: number): FlockError {
  return new FlockError(
    'FLOCK_PRESIGN_EXPIRED',
    `the store calls the link expired although it was renewed ${refreshes} times`,
    {
      cause,
      method: 'GET',
      url: redactUrl(link.url),
      status: 403,
      hint: 'The clocks of the service and the store may differ; try again later.',
    },
  );
}

function changed(link: PresignedLink): FlockError {
  return new FlockError('FLOCK_DOWNLOAD_INTEGRITY', 'the file keeps changing while it is downloaded', {
    url: redactUrl(link.url),
    hint: 'The training set is being replaced; try again in a few minutes.',
  });
}

function unresumable(link: PresignedLink): FlockError {
  return new FlockError('FLOCK_DOWNLOAD', `the transfer had to begin again ${MAX_RESTARTS} times`, {
    url: redactUrl(link.url),
    hint: 'The store does not give parts of a file and the connection does not last for the whole.',
  });
}

function gaveUp(link: PresignedLink, cause: unknown, part: PartFile): FlockError {
  return new FlockError('FLOCK_NETWORK', `the download stopped: ${toQuarryError(cause, 'the transfer').message}`, {
    cause,
    method: 'GET',
    url: redactUrl(link.url),
    details: { received: part.size },
    hint: 'Run the same command again: it goes on where it stopped.',
  });
}
