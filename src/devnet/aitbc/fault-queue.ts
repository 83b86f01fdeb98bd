import type { ServerAnswer, ServerRequest } from '../loopback/router.js';

interface Fault {
  readonly match: (request: ServerRequest) => boolean;
  readonly answer: ServerAnswer;
  left: number;
}

/** Answers prepared for coming requests, to see how a client takes them. */
export class FaultQueue {
  readonly #faults: Fault[] = [];
  /** Requests seen, newest last: `POST /v1/jobs`. */
  readonly log: string[] = [];

  /** The next `times` requests beginning with `prefix` (`GET /v1/jobs`) get this answer. */
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
