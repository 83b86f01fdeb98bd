import { throwIfAborted } from '../errors/index.js';
import type { AgentHost, CommandRun } from './agent-host.js';

/**
 * A command that keeps serving what it hosted after its first record. Only the newest run serves, on behalf of all
 * earlier ones, since they share a directory and a port. Calls are serialised.
 */
export class ServingRun {
  readonly #host: AgentHost;
  #stop: AbortController | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  /** Settles with the last queued call; never rejects. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(host: AgentHost) {
    this.#host = host;
  }

  /**
   * Runs the command until its first record.
   *
   * @returns that record
   * @throws QuarryError whatever the command fails with
   */
  start(args: readonly string[], control: CommandRun): Promise<unknown> {
    return this.#inTurn(() => this.#run(args, control));
  }

  /** Waits for queued calls, then stops serving. */
  end(): Promise<void> {
    return this.#inTurn(() => this.#endServing());
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #run(args: readonly string[], { signal, onTalk }: CommandRun): Promise<unknown> {
    await this.#endServing();
    throwIfAborted(signal, 'the call');
    const stop = new AbortController();
    const cancel = (): void => stop.abort(signal.reason);
    signal.addEventListener('abort', cancel, { once: true });
    this.#stop = stop;
    try {
      return await new Promise((resolve, reject) => {
        const run = this.#host.run(args, { signal: stop.signal, onTalk, onRecord: resolve });
        this.#ended = run.then(() => resolve(undefined), reject);
      });
    } finally {
      // The record has arrived: from now on only `end` or the next start stops it.
      signal.removeEventListener('abort', cancel);
    }
  }

  async #endServing(): Promise<void> {
    this.#stop?.abort('SIGTERM');
    await this.#ended;
  }
}
