import { throwIfAborted } from '../errors/index.js';
import type { AgentHost, CommandRun } from './agent-host.js';

/**
 * A command that goes on serving what it hosted after its answer. Only the newest one serves, for all before it: they
 * share a directory, and a port. Calls take turns.
 */
export class ServingRun {
  readonly #host: AgentHost;
  #stop: AbortController | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  /** The last call's turn; never rejects. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(host: AgentHost) {
    this.#host = host;
  }

  /**
   * Runs the command until it answers.
   *
   * @returns its first record
   * @throws QuarryError what the command fails with
   */
  start(args: readonly string[], control: CommandRun): Promise<unknown> {
    return this.#inTurn(() => this.#run(args, control));
  }

  /** Lets what was started before answer, and what still serves end. */
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
      // Answered: from now on it serves until it is stopped.
      signal.removeEventListener('abort', cancel);
    }
  }

  async #endServing(): Promise<void> {
    this.#stop?.abort('SIGTERM');
    await this.#ended;
  }
}
