import type { AgentHost, CommandRun } from './agent-host.js';

/**
 * A command that goes on serving what it hosted after its answer. Only the newest one serves, for all before it: they
 * share a directory, and a port.
 */
export class ServingRun {
  readonly #host: AgentHost;
  #stop: AbortController | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(host: AgentHost) {
    this.#host = host;
  }

  /**
   * Runs the command until it answers.
   *
   * @returns its first record
   * @throws QuarryError what the command fails with
   */
  async start(args: readonly string[], { signal, onTalk }: CommandRun): Promise<unknown> {
    await this.end();
    const stop = new AbortController();
    const cancel = (): void => stop.abort(signal.reason);
    signal.addEventListener('abort', cancel, { once: true });
    this.#stop = stop;
    try {
      return await new Promise((resolve, reject) => {
        const run = this.#host.run(args, { signal: stop.signal, onTalk, onRecord: resolve });
        this.#ended = run.then(([first]) => resolve(first), reject);
      });
    } finally {
      // Answered: from now on it serves until it is told to end.
      signal.removeEventListener('abort', cancel);
    }
  }

  /** Lets what still serves end. */
  async end(): Promise<void> {
    this.#stop?.abort('SIGTERM');
    await this.#ended;
  }
}
