import { QuarryError, toQuarryError } from '../errors/index.js';
import { HttpClient, HttpStatusError, type RetryPolicy } from '../http/index.js';
import { messageOf, type NotifyTemplate } from './message.js';
import type { Notice, NoticeKind } from './notice.js';

export interface WebhookOptions {
  /** Where to: who knows it can write there, so it stays out of every text. */
  readonly url: string;
  readonly template: NotifyTemplate;
  /** How long a kind of notice is not sent again, milliseconds. */
  readonly quietMs: number;
  /** Which miner it is. */
  readonly from: Readonly<Record<string, string>>;
}

export interface WebhookDeps {
  /** Called when a notice was not delivered. */
  readonly onFailure: (error: QuarryError) => void;
  /** Monotonic milliseconds. */
  readonly now?: (() => number) | undefined;
  readonly retry?: RetryPolicy | undefined;
}

const TIMEOUT_MS = 10_000;
const RETRY: RetryPolicy = { attempts: 4 };
/** An answer is read only to be thrown away. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Sends notices to a webhook, each kind at most once in its quiet time. What fails is told and disturbs nothing else. */
export class WebhookNotifier {
  readonly #options: WebhookOptions;
  readonly #deps: WebhookDeps;
  readonly #url: URL;
  readonly #http = new HttpClient({ timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, engine: 'lean' });
  readonly #sentAt = new Map<NoticeKind, number>();
  readonly #stop = new AbortController();
  readonly #sending = new Set<Promise<void>>();

  /** @throws QuarryError `CONFIG_INVALID` when the URL is none that can be called, or lacks what the template takes from it */
  constructor(options: WebhookOptions, deps: WebhookDeps) {
    this.#options = options;
    this.#deps = deps;
    const refuse = (what: string): never => {
      throw new QuarryError('CONFIG_INVALID', `the webhook's URL ${what}`, {
        hint: 'set QUARRY_NOTIFY_URL, or notifyUrl in quarry.yaml',
      });
    };
    this.#url = URL.canParse(options.url) ? new URL(options.url) : refuse('is not a URL');
    if (!/^https?:$/.test(this.#url.protocol)) refuse('begins with neither https: nor http:');
    if (options.template === 'telegram' && !this.#url.searchParams.has('chat_id')) refuse('names no chat_id');
  }

  /** Sends a notice unless one of its kind was sent lately; returns whether it did. Never throws. */
  notify(notice: Notice): boolean {
    const now = (this.#deps.now ?? performance.now.bind(performance))();
    const last = this.#sentAt.get(notice.kind);
    if (last !== undefined && now - last < this.#options.quietMs) return false;
    this.#sentAt.set(notice.kind, now);
    const sending = this.#send(notice).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
    return true;
  }

  /** Waits for what is being sent, for at most `graceMs`. */
  async close(graceMs = 2_000): Promise<void> {
    const timer = setTimeout(() => this.#stop.abort(), graceMs);
    await Promise.all(this.#sending);
    clearTimeout(timer);
  }

  async #send(notice: Notice): Promise<void> {
    const { template, from } = this.#options;
    try {
      const answer = await this.#http.request({
        method: 'POST',
        url: this.#url.href,
        json: messageOf(template, notice, from, new Date(), this.#url),
        retry: this.#deps.retry ?? RETRY,
        redirect: 'same-origin',
        signal: this.#stop.signal,
      });
      await answer.discard();
    } catch (error) {
      // Its text names the address, which is the secret.
      const { code } = toQuarryError(error, 'notifying');
      const why = error instanceof HttpStatusError ? `status ${error.status}` : code;
      this.#deps.onFailure(new QuarryError(code, `"${notice.kind}" was not delivered to the webhook: ${why}`));
    }
  }
}
