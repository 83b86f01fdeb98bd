import { isAbort, QuarryError, throwIfAborted } from '../../errors/index.js';
import { type Backoff, parseRetryAfterMs, retry, type Sleep } from '../../net/index.js';
import { FlockError } from '../errors.js';
import { isJsonObject } from '../json.js';

/** Requests that are safe to repeat: asking how to upload, and storing bytes under their hash. */
const REPEATABLE = [
  /\/preupload\//,
  /\/info\/lfs\/objects\/batch$/,
  /\/xet-write-token\//,
  /\/tree\//,
  /\/commits\//,
  /\/whoami-v2$/,
];
const ATTEMPTS = 4;
const BACKOFF: Backoff = { baseMs: 500, maxMs: 30_000 };

/** Callbacks of {@link createHubFetch}. */
export interface HubFetchEvents {
  /** A commit was sent: even without a response it may have succeeded. */
  readonly onCommitSent: () => void;
  /** The Hub's storage received the bytes of a request body. */
  readonly onStored: (url: string) => void;
}

/**
 * Creates the `fetch` passed to the Hub's library. It retries requests that are safe to repeat, rejects empty files
 * that the Hub would put into LFS (which refuses them), and reports when the commit is sent, which is never retried
 * here.
 */
export function createHubFetch(
  events: HubFetchEvents,
  deps: {
    readonly fetch: typeof fetch;
    readonly sleep: Sleep;
    readonly random: () => number;
    readonly now: () => number;
    readonly signal?: AbortSignal | undefined;
  },
): typeof fetch {
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const path = new URL(url).pathname;
    const method = init?.method ?? 'GET';
    const commit = method === 'POST' && /\/commit\/[^/]+$/.test(path);
    const repeatable =
      !commit && (method === 'GET' || method === 'PUT' || REPEATABLE.some((pattern) => pattern.test(path)));
    const response = await retry(
      async (attempt) => {
        // The library only listens for the abort event, which does not fire if the signal was aborted before.
        throwIfAborted(deps.signal, 'the upload');
        if (commit) events.onCommitSent();
        const answer = await deps.fetch(input, init);
        if (repeatable && attempt < ATTEMPTS && (answer.status === 429 || answer.status >= 500)) {
          await answer.body?.cancel();
          throw busy(answer, deps.now());
        }
        return answer;
      },
      {
        attempts: repeatable ? ATTEMPTS : 1,
        backoff: BACKOFF,
        isRetryable: (error) => !isAbort(error),
        ...(init?.signal && { signal: init.signal }),
      },
      deps,
    );
    if (response.ok && method === 'PUT') events.onStored(url);
    return path.includes('/preupload/') && response.ok ? checkPreupload(response, init?.body) : response;
  };
}

/** Error for the retry logic only: the library gets the last attempt's response as it is. */
function busy(answer: Response, nowMs: number): QuarryError {
  const retryAfterMs = parseRetryAfterMs(answer.headers.get('retry-after'), nowMs) ?? rateLimitReset(answer);
  return new QuarryError('OVERLOADED', `the Hub answered HTTP ${answer.status}`, {
    ...(retryAfterMs !== undefined && { details: { retryAfterMs } }),
  });
}

/** `RateLimit: "api";r=0;t=12` means twelve seconds until the window resets. */
function rateLimitReset(response: Response): number | undefined {
  const seconds = /;t=(\d+)/.exec(response.headers.get('ratelimit') ?? '')?.[1];
  return seconds === undefined ? undefined : Math.min(300_000, (Number(seconds) + 1) * 1000);
}

/** @throws FlockError `FLOCK_HUB` naming an empty file that the Hub wants in LFS */
async function checkPreupload(response: Response, body: RequestInit['body']): Promise<Response> {
  const text = await response.text();
  if (typeof body === 'string') {
    const sizes = new Map<unknown, unknown>();
    for (const entry of filesOf(body)) sizes.set(entry['path'], entry['size']);
    for (const entry of filesOf(text)) {
      if (entry['uploadMode'] === 'lfs' && sizes.get(entry['path']) === 0) {
        throw new FlockError(
          'FLOCK_HUB',
          `${String(entry['path'])} is empty, and the Hub refuses empty files of this kind`,
          {
            code: 'DATA_EMPTY',
            hint: 'Remove the file or exclude it with --exclude.',
          },
        );
      }
    }
  }
  return new Response(text, { status: response.status, statusText: response.statusText, headers: response.headers });
}

function filesOf(text: string): Record<string, unknown>[] {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) && Array.isArray(value['files']) ? value['files'].filter(isJsonObject) : [];
  } catch {
    return [];
  }
}
