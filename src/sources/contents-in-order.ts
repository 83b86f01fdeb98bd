import { QuarryError } from '../errors/index.js';
import { type PacedRetryPolicy, type RetryDeps, retry } from '../http/index.js';
import type { SourceDocument } from './contract.js';
import { once } from './jsonl.js';
import { LeftOut, type OnLeftOut } from './left-out.js';

/** Contents fetched at a time: small files, each of which costs a round trip. */
const FETCHES = 16;
/** This many transient failures in a row are not about single files: the host is down. */
const FAILURES_IN_A_ROW = 32;
/** How long it is waited for: a minute and a half. What was read of the file so far need not be read again then. */
const OUTAGE: PacedRetryPolicy = { attempts: 8, backoff: { baseMs: 1_000, maxMs: 30_000 } };

/** What a row's contents are: their bytes, the failure to fetch them, or nothing where there are none to be had. */
export type Contents = Uint8Array | QuarryError | undefined;

/** A row whose contents are fetched. */
export interface LinkedRow<Row> {
  /** What the contents are called. */
  readonly origin: string;
  readonly row: Row;
}

/** What {@link contentsInOrder} works with. */
export interface ContentsOptions {
  readonly onLeftOut?: OnLeftOut | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The contents of rows as documents, in the order of the rows, the next few being fetched while one is read. Single ones
 * that cannot be had are left out; when the host is away it is waited for, and then asked again for all that it failed.
 *
 * @param fetched rejects for an abort only
 * @throws QuarryError the last failure of a host that stays away
 */
export async function* contentsInOrder<Row>(
  rows: AsyncIterable<LinkedRow<Row>>,
  fetched: (row: Row) => Promise<Contents>,
  { onLeftOut, signal }: ContentsOptions,
  deps: RetryDeps = {},
): AsyncGenerator<SourceDocument> {
  const leftOut = new LeftOut(onLeftOut);
  /** Those that failed in a row, the oldest first. */
  const failed: LinkedRow<Row>[] = [];
  async function* documentOf(origin: string, contents: Contents): AsyncGenerator<SourceDocument> {
    if (contents instanceof QuarryError) leftOut.add(origin, contents);
    else if (contents !== undefined) yield { origin, pieces: once(contents), independent: true };
  }
  async function* askedAgain(): AsyncGenerator<SourceDocument> {
    for (const { origin, row } of failed.splice(0)) yield* documentOf(origin, await fetched(row));
  }
  for await (const { asked, contents } of fetchedAhead(rows, fetched)) {
    let answer = await contents;
    if (mayPass(answer)) {
      if (failed.push(asked) < FAILURES_IN_A_ROW) continue;
      failed.pop();
      answer = await patiently(() => fetched(asked.row), signal, deps);
    }
    // Without contents nothing may have been asked for, which says nothing of the host.
    if (answer === undefined) continue;
    yield* askedAgain();
    yield* documentOf(asked.origin, answer);
  }
  yield* askedAgain();
  leftOut.finish();
}

async function* fetchedAhead<Row>(
  rows: AsyncIterable<LinkedRow<Row>>,
  fetched: (row: Row) => Promise<Contents>,
): AsyncGenerator<{ readonly asked: LinkedRow<Row>; readonly contents: Promise<Contents> }> {
  const ahead: { readonly asked: LinkedRow<Row>; readonly contents: Promise<Contents> }[] = [];
  for await (const asked of rows) {
    const contents = fetched(asked.row);
    // Met when its turn comes.
    contents.catch(() => {});
    ahead.push({ asked, contents });
    if (ahead.length >= FETCHES) yield ahead.shift()!;
  }
  yield* ahead;
}

function mayPass(answer: Contents): answer is QuarryError {
  return answer instanceof QuarryError && answer.retryable;
}

/** Fetches until the answer is not a transient failure. */
function patiently(
  fetch: () => Promise<Contents>,
  signal: AbortSignal | undefined,
  deps: RetryDeps,
): Promise<Contents> {
  const attempt = async (): Promise<Contents> => {
    const answer = await fetch();
    if (mayPass(answer)) throw answer;
    return answer;
  };
  return retry(attempt, { ...OUTAGE, signal }, deps);
}
