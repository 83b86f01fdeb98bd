import { type BetterScore, bestSubmissions } from './best-submissions.js';
import { decodePage, decodeSubmission } from './decode.js';
import { parseTaskId } from './identifiers.js';
import { checkPage, iteratePages, MAX_PAGE_SIZE, type PageOptions } from './pages.js';
import { type SubmitOptions, type SubmitOutcome, submitResult } from './submit-result.js';
import type { CallOptions, FlockTransport } from './transport.js';
import type { Page, WalletSubmission } from './types.js';
import { type ScoreEvent, type WatchScoresOptions, watchScores } from './watch/watch-scores.js';

/** The caller's own submissions; the key identifies the wallet. */
export class Submissions {
  readonly #transport: FlockTransport;

  constructor(transport: FlockTransport) {
    this.#transport = transport;
  }

  /**
   * One page of the caller's submissions to a task.
   *
   * @throws FlockError `FLOCK_CONFIG` without a key; nothing is sent then
   */
  async mine(taskId: number | string, options: CallOptions & PageOptions = {}): Promise<Page<WalletSubmission>> {
    const id = parseTaskId(taskId);
    const asked = checkPage(options);
    const { page: _page, size: _size, ...call } = options;
    const { json } = await this.#transport.call({
      path: 'tasks/wallet-submissions',
      query: { task_id: id, ...asked },
      auth: true,
      ...call,
    });
    return decodePage(json, asked, decodeSubmission);
  }

  /** All submissions of the caller to a task. */
  all(taskId: number | string, options: CallOptions = {}): AsyncGenerator<WalletSubmission, void, undefined> {
    return iteratePages((page, size) => this.mine(taskId, { ...options, page, size }), MAX_PAGE_SIZE);
  }

  /** The best submission per link over all pages; see {@link bestSubmissions}. */
  async bestFor(
    taskId: number | string,
    options: CallOptions & { readonly better?: BetterScore | undefined } = {},
  ): Promise<ReturnType<typeof bestSubmissions>> {
    const { better, ...call } = options;
    const items: WalletSubmission[] = [];
    for await (const item of this.all(taskId, call)) items.push(item);
    return bestSubmissions(items, better);
  }

  /** Submits a model; see `submitResult`. */
  async submit(options: SubmitOptions): Promise<SubmitOutcome> {
    return submitResult(options, { transport: this.#transport, submissions: this });
  }

  /** Watches the scores of the caller's submissions; see `watchScores`. */
  watch(taskId: number | string, options: WatchScoresOptions = {}): AsyncGenerator<ScoreEvent, void, undefined> {
    return watchScores(parseTaskId(taskId), options, {
      submissions: this,
      sleep: this.#transport.sleep,
      random: this.#transport.random,
    });
  }
}
