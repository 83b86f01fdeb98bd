import { parseRetryAfterMs } from '../net/index.js';
import { plainLines } from '../text/index.js';
import { parseJson } from '../text/parse-json.js';
import { FlockError, type FlockErrorOptions, type FlockReason, type ValidationIssue } from './errors.js';
import { isJsonObject, type Json } from './json.js';
import { parseRateText } from './rate-text.js';
import { textOfPage } from './remote-text.js';

/** Sentences that FLock's own clients match literally, as their status codes were never published. */
const NO_WORK = 'No task submissions available to validate';
const RATE_LIMIT = /^Rate limit reached\b/i;
const NOT_VALIDATING = 'Validation assignment is not in validating status';

/** Maximum characters of a response body in an error message. */
const CLIP = 500;
/** Wait after a rate limit that does not state one: the assignment window of FLock's clients. */
const DEFAULT_WAIT_MS = 180_000;

const AUTH_HINT =
  'Check that the wallet of this key is staked on the task in the required role, and that FLOCK_API_KEY holds the arena key of train.flock.io, not a key of the inference platform api.flock.io (FLOCK_ARENA_API_KEY takes precedence).';

/** A response that is not 2xx. */
export interface FailedAnswer {
  readonly method: string;
  /** Without the query. */
  readonly url: string;
  readonly status: number;
  readonly body: string;
  readonly retryAfter?: string | null | undefined;
  readonly requestId?: string | undefined;
  readonly attempts?: number | undefined;
  readonly nowMs: number;
}

/** Converts a failed response to an error. Rate limits recognised by their text take precedence over the status. */
export function decodeFailure(answer: FailedAnswer): FlockError {
  const parsed = parseBody(answer.body);
  const text = parsed.text ?? clipBody(answer.body);
  const base: FlockErrorOptions = {
    method: answer.method,
    url: answer.url,
    status: answer.status,
    detail: parsed.detail,
    requestId: answer.requestId,
    attempts: answer.attempts,
  };
  const said = text === '' ? '' : `: ${text}`;
  const fail = (reason: FlockReason, sentence: string, more: FlockErrorOptions = {}): FlockError =>
    new FlockError(reason, sentence, { ...base, ...more });

  const clientSide = answer.status >= 400 && answer.status < 500;
  if (parsed.text === NO_WORK) {
    return fail('FLOCK_NO_WORK', 'the service has no submission to validate at the moment', {
      hint: 'This is normal: ask again after three minutes.',
    });
  }
  if (parsed.text === NOT_VALIDATING) {
    return fail('FLOCK_ASSIGNMENT_NOT_VALIDATING', 'the assignment is no longer being validated', {
      hint: 'It expired or its result is already stored; ask for the next one.',
    });
  }
  if (answer.status === 429 || (clientSide && parsed.text !== undefined && RATE_LIMIT.test(parsed.text))) {
    const asked = parseRetryAfterMs(answer.retryAfter, answer.nowMs);
    const retryAfterMs = asked ?? parseRateText(text) ?? DEFAULT_WAIT_MS;
    return fail('FLOCK_RATE_LIMITED', `the service limits the rate of this request${said}`, {
      retryAfterMs,
      // Automatic retries are delayed only by a wait from a header, not by a guess.
      details: asked !== undefined ? { retryAfterMs } : { waitMs: retryAfterMs },
      hint: `Wait ${Math.ceil(retryAfterMs / 1000)} s before asking again.`,
    });
  }
  switch (answer.status) {
    case 401:
    case 403:
      return fail('FLOCK_AUTH', `the service refused the key (HTTP ${answer.status})${said}`, { hint: AUTH_HINT });
    case 404:
      return fail('FLOCK_NOT_FOUND', `the service does not have it${said}`, {
        hint: 'Check the task id, assignment id or wallet address.',
      });
    case 409:
      return fail('FLOCK_CONFLICT', `the service refused because of the current state${said}`, { retryable: false });
    case 422: {
      const lines = parsed.issues.map((issue) => `${issue.path}: ${issue.message}`);
      const why = lines.length > 0 ? `\n  ${lines.join('\n  ')}` : said;
      return fail('FLOCK_VALIDATION', `the service considers the request malformed${why}`, { issues: parsed.issues });
    }
    default:
      if (clientSide) return fail('FLOCK_BAD_REQUEST', `the service refused (HTTP ${answer.status})${said}`);
      return fail('FLOCK_SERVER', `the service failed (HTTP ${answer.status})${said}`, {
        ...retryAfterFact(answer),
        hint: 'The gateway or a deployment is at fault; try again in a minute.',
      });
  }
}

function retryAfterFact(answer: FailedAnswer): FlockErrorOptions {
  const retryAfterMs = parseRetryAfterMs(answer.retryAfter, answer.nowMs);
  return retryAfterMs === undefined ? {} : { retryAfterMs, details: { retryAfterMs } };
}

interface ParsedBody {
  readonly text: string | undefined;
  readonly detail: Json | undefined;
  readonly issues: readonly ValidationIssue[];
}

/** Accepts `{"detail": text | list | object}`, `{"message"}`, `{"error"}`, an empty body and HTML. */
function parseBody(body: string): ParsedBody {
  let json: Json;
  try {
    json = parseJson(body) as Json;
  } catch {
    return { text: undefined, detail: undefined, issues: [] };
  }
  if (!isJsonObject(json)) return { text: undefined, detail: json, issues: [] };
  const detail = json['detail'] ?? json['message'] ?? json['error'];
  if (typeof detail === 'string') return { text: clip(plainLines(detail)), detail, issues: [] };
  if (Array.isArray(detail)) return { text: undefined, detail, issues: detail.flatMap(issueOf) };
  if (isJsonObject(detail)) {
    const inner = detail['message'] ?? detail['msg'] ?? detail['error'];
    return { text: clip(typeof inner === 'string' ? plainLines(inner) : JSON.stringify(detail)), detail, issues: [] };
  }
  return { text: undefined, detail: detail ?? json, issues: [] };
}

function issueOf(entry: Json): ValidationIssue[] {
  if (!isJsonObject(entry)) return [];
  const path = Array.isArray(entry['loc']) ? entry['loc'].map((part) => plainLines(String(part))).join('.') : 'request';
  const message = typeof entry['msg'] === 'string' ? clip(plainLines(entry['msg'])) : 'not accepted';
  return [{ path, message }];
}

/** Shortens a body for error messages: text on one line, at most 500 characters. */
export function clipBody(body: string): string {
  return clip(textOfPage(body));
}

function clip(text: string): string {
  return text.length > CLIP ? `${text.slice(0, CLIP - 1)}…` : text;
}
