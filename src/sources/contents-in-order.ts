import { QuarryError } from '../errors/index.js';
import { type PacedRetryPolicy, type RetryDeps, retry } from '../net/index.js';
import type { SourceDocument } from './contract.js';
import { once } from './jsonl.js';
import { LeftOut, type OnLeftOut } from './left-out.js';

/** Concurrent fetches: files are small, and each costs a round trip. */
const FETCHES = 16;
/** This many consecutive transient failures mean that the host is down, not that single files are missing. */
const FAILURES_IN_A_ROW = 32;
/**
 * How long to wait for a host that is down: a minute and a half. Waiting saves reading the file again from its start.
 */
const OUTAGE: PacedRetryPolicy = { attempts: 8, backoff: { baseMs: 1_000, maxMs: 30_000 } };

/** Contents of a row: bytes, the error of fetching them, or undefined if there are none to fetch. */
export type Contents = Uint8Array | QuarryError | undefined;

/** A row whose contents have to be fetched. */
export interface LinkedRow<Row> {
  /** Name of the contents. */
  readonly origin: string;
  readonly row: Row;
}

/** Options of {@link contentsInOrder}. */
export interface ContentsOptions {
  readonly onLeftOut?: OnLeftOut | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Yields the contents of rows as documents, in row order, prefetching the next few. Contents that cannot be fetched are
 * left out. If the host is down, waits for it and retries everything that failed.
 *
 * @param fetched rejects only when aborted
 * @throws QuarryError the last failure, if the host stays down
 */
export async function* contentsInOrder<Row>(
  rows: AsyncIterable<LinkedRow<Row>>,
  fetched: (row: Row) => Promise<Contents>,
  { onLeftOut, signal }: ContentsOptions,
  deps: RetryDeps = {},
): AsyncGenerator<SourceDocument> {
  const leftOut = new LeftOut(onLeftOut);
  /** Consecutive failures, oldest first. */
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
    // Possibly nothing was requested, so this says nothing about the host.
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
    // The rejection is handled when this row's turn comes.
    contents.catch(() => {});
    ahead.push({ asked, contents });
    if (ahead.length >= FETCHES) yield ahead.shift()!;
  }
  yield* ahead;
}

function mayPass(answer: Contents): answer is QuarryError {
  return answer instanceof QuarryError && answer.retryable;
}

/** Retries transient failures. */
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
