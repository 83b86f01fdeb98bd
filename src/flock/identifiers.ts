import { QuarryError } from '../errors/index.js';

const WALLET = /^0x[0-9a-fA-F]{40}$/;
const COMMIT = /^[0-9a-f]{40}$/i;
/** Hugging Face repository names: letters, digits, `-`, `_`, `.`; at most 96 characters per part. */
const REPO = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}\/[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/;

/**
 * Parses a task id; a decimal string such as `"7"` is accepted.
 *
 * @throws QuarryError `INVALID_ARGUMENT` unless it is a non-negative safe integer
 */
export function parseTaskId(value: unknown): number {
  const id = typeof value === 'string' && /^\d+$/.test(value.trim()) ? Number(value.trim()) : value;
  if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) return id;
  throw new QuarryError('INVALID_ARGUMENT', `"taskId" expected a non-negative integer, got ${JSON.stringify(value)}`, {
    hint: 'Task ids are whole numbers such as 7; list them with `quarry flock tasks`.',
  });
}

/**
 * Checks that a wallet address is `0x` and 40 hex digits, and returns it unchanged.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when it is malformed
 */
export function parseWallet(value: string): string {
  if (WALLET.test(value)) return value;
  const why = value.startsWith('0x')
    ? value.length === 42
      ? 'a character that is not a hex digit'
      : `${value.length - 2} characters after 0x`
    : 'no 0x prefix';
  throw new QuarryError('INVALID_ARGUMENT', `"wallet" expected 0x and 40 hex digits, got ${why}`, {
    hint: 'Copy the address from your wallet, for example 0xB93A9c73751Bbca8E1924954271ee8d4De5747c9.',
  });
}

/** Whether two addresses are the same wallet; the service mixes upper and lower case. */
export function sameWallet(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Whether `value` is a full Git commit hash (40 hex digits). */
export function isCommitHash(value: string): boolean {
  return COMMIT.test(value);
}

/**
 * Checks a Hugging Face repository id, `owner/name`.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when it is malformed
 */
export function parseRepoId(value: string): string {
  if (REPO.test(value)) return value;
  throw new QuarryError('INVALID_ARGUMENT', `"repo" expected owner/name, got ${JSON.stringify(value)}`, {
    hint: 'Write the repository name as on the Hub, for example alice/task-7-Qwen2.5-7B.',
  });
}

/** The target of a submission's Hub link. */
export interface HubLink {
  /** `owner/name`. */
  readonly repo: string;
  /** Branch, tag or commit after `/tree/` or `/commit/`. */
  readonly revision?: string | undefined;
}

/**
 * Parses `https://huggingface.co/<owner>/<repo>[/tree|commit|blob|resolve/<revision>…]`; undefined for anything else.
 */
export function parseHubLink(link: string): HubLink | undefined {
  let url: URL;
  try {
    url = new URL(link);
  } catch {
    return REPO.test(link) ? { repo: link } : undefined;
  }
  const [owner, name, kind, revision] = url.pathname.split('/').filter((part) => part !== '');
  if (owner === undefined || name === undefined || !REPO.test(`${owner}/${name}`)) return undefined;
  const named = kind !== undefined && ['tree', 'commit', 'blob', 'resolve'].includes(kind) && revision !== undefined;
  return { repo: `${owner}/${name}`, ...(named && { revision: decodeURIComponent(revision) }) };
}
