import { QuarryError, toQuarryError } from '../errors/index.js';
import { HttpClient, HttpStatusError, type RetryPolicy } from '../net/index.js';
import { messageOf, type NotifyTemplate } from './message.js';
import type { Notice, NoticeKind } from './notice.js';

export interface WebhookOptions {
  /** Webhook URL. A secret, since it is all one needs to post: never logged or quoted. */
  readonly url: string;
  /** Format of the messages, by chat service. */
  readonly template: NotifyTemplate;
  /** Minimum interval between notices of one kind, milliseconds. */
  readonly quietMs: number;
  /** Identifies the miner. */
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
/** Retry delay of a kind after a failed delivery, unless `quietMs` is shorter. */
const UNDELIVERED_MS = 60_000;
const RETRY: RetryPolicy = { attempts: 4 };
/** Limit on the response, which is read and discarded. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Topics of notices about state changes. Such a notice is not raised again while the state lasts, so the newest one
 * held back during the quiet time is sent after it. Other kinds recur by themselves.
 */
const TOPICS: Partial<Record<NoticeKind, string>> = {
  'node lost': 'node',
  'node back': 'node',
  'balance low': 'balance',
  protocol: 'protocol',
};
/** Longest delay of a Node timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Sends notices to a webhook, each kind at most once per `quietMs`. Failures are only reported.
 */
export class WebhookNotifier {
  readonly #options: WebhookOptions;
  readonly #deps: WebhookDeps;
  readonly #url: URL;
  readonly #http = new HttpClient({ timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, engine: 'lean' });
  readonly #sentAt = new Map<NoticeKind, number>();
  /** By topic: the last text sent, and the timer of a notice held until the quiet time ends. */
  readonly #told = new Map<string, string>();
  readonly #held = new Map<string, NodeJS.Timeout>();
  readonly #stop = new AbortController();
  readonly #sending = new Set<Promise<void>>();

  /** @throws QuarryError `CONFIG_INVALID` when the URL is invalid or lacks a part that the template needs */
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

  /**
   * Sends a notice, unless one of its kind was sent within `quietMs`; returns whether it did. The newest notice held
   * back is sent when that time is over, if its text is new. Never throws.
   */
  notify(notice: Notice): boolean {
    const now = this.#now();
    const last = this.#sentAt.get(notice.kind);
    this.withdraw(notice.kind);
    if (last !== undefined && now - last < this.#options.quietMs) {
      this.#hold(notice, last + this.#options.quietMs - now);
      return false;
    }
    this.#sentAt.set(notice.kind, now);
    this.#told.set(topicOf(notice), notice.text);
    const sending = this.#send(notice).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
    return true;
  }

  /** Drops a held notice of this kind's topic. */
  withdraw(kind: NoticeKind): void {
    const topic = topicOf({ kind });
    clearTimeout(this.#held.get(topic));
    this.#held.delete(topic);
  }

  #hold(notice: Notice, leftMs: number): void {
    const topic = TOPICS[notice.kind];
    if (topic === undefined) return;
    const send = (): void => {
      this.#held.delete(topic);
      if (this.#told.get(topic) !== notice.text) this.notify(notice);
    };
    const timer = setTimeout(send, Math.min(leftMs, MAX_TIMER_MS)).unref();
    this.#held.set(topic, timer);
  }

  /** Drops held notices and waits up to `graceMs` for those being sent. */
  async close(graceMs = 2_000): Promise<void> {
    for (const held of this.#held.values()) clearTimeout(held);
    const timer = setTimeout(() => this.#stop.abort(), graceMs);
    await Promise.all(this.#sending);
    clearTimeout(timer);
  }

  #now(): number {
    return (this.#deps.now ?? performance.now.bind(performance))();
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
      // Not delivered: do not suppress the next notice because of it, except right away.
      if (this.#told.get(topicOf(notice)) === notice.text) this.#told.delete(topicOf(notice));
      this.#sentAt.set(notice.kind, this.#now() - Math.max(0, this.#options.quietMs - UNDELIVERED_MS));
      // Do not use the error's message: it contains the URL, which is secret.
      const { code } = toQuarryError(error, 'notifying');
      const why = error instanceof HttpStatusError ? `status ${error.status}` : code;
      this.#deps.onFailure(new QuarryError(code, `"${notice.kind}" was not delivered to the webhook: ${why}`));
    }
  }
}

function topicOf({ kind }: Pick<Notice, 'kind'>): string {
  return TOPICS[kind] ?? kind;
}
