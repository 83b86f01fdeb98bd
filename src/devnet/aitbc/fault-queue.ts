import type { ServerAnswer, ServerRequest } from '../loopback/router.js';

interface Fault {
  readonly match: (request: ServerRequest) => boolean;
  readonly answer: ServerAnswer;
  left: number;
}

/** Prepared responses to future requests, for testing clients. */
export class FaultQueue {
  readonly #faults: Fault[] = [];
  /** Requests received, newest last: `POST /v1/jobs`. */
  readonly log: string[] = [];

  /** Answers the next `times` requests that begin with `prefix` (`GET /v1/jobs`) with this response. */
  add(prefix: string, answer: ServerAnswer, times = 1): void {
    this.#faults.push({
      match: (request) => `${request.method} ${request.path}`.startsWith(prefix),
      answer,
      left: times,
    });
  }

  take(request: ServerRequest): ServerAnswer | undefined {
    this.log.push(`${request.method} ${request.path}`);
    const fault = this.#faults.find((entry) => entry.left > 0 && entry.match(request));
    if (fault === undefined) return undefined;
    fault.left--;
    return fault.answer;
  }
}
