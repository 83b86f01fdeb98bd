import { type ChildProcess, spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { peerProcess, type Skipped } from './peer-process.js';
import { NO_SCRIPT, pythonScript } from './python-script.js';

/** Where `test/conformance/run.sh` installs the official SDK. */
export const SDK_PYTHON = join(homedir(), '.cache', 'quarry-conformance', 'soma-sdk==0.1.15', 'bin', 'python');

/** What the SDK measured of listing targets. */
export interface SdkListing {
  readonly seconds: number;
  readonly targets: number;
  readonly values: number;
}

/** What it measured of submitting. */
export interface SdkSubmissions {
  readonly seconds: number;
  readonly done: number;
  readonly failed: number;
  /** The first failure. */
  readonly error: string | null;
}

/** The official SDK in a Python process of its own, driven by jobs. */
export class SdkPeer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(python: string, script: string) {
    this.#child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  /**
   * @param python interpreter
   * @returns the reason for its absence where it does not exist or cannot import the SDK, and in a package without the
   * peers' scripts
   */
  static async start(python: string): Promise<SdkPeer | Skipped> {
    const script = pythonScript('soma_sdk_bench.py');
    if (script === undefined) return { skipped: NO_SCRIPT };
    const found = await peerProcess<object>([python, '-c', 'import soma_sdk; print("{}")'], {});
    if (!('skipped' in found)) return new SdkPeer(python, script);
    return { skipped: `soma-sdk is not installed (${found.skipped}): test/conformance/run.sh installs it` };
  }

  connect(rpcUrl: string, secret: string): Promise<object> {
    return this.#run({ do: 'connect', rpcUrl, secret });
  }

  /** The best of several listings of one page. */
  list(limit: number, rounds: number): Promise<SdkListing> {
    return this.#run({ do: 'list', limit, rounds });
  }

  /** Submits once for each target, with a limited number in flight. */
  submit(job: {
    readonly inFlight: number;
    readonly targets: readonly { readonly id: string; readonly model: string }[];
    readonly url: string;
    readonly embedding: readonly number[];
  }): Promise<SdkSubmissions> {
    return this.#run({ do: 'submit', ...job });
  }

  async #run<T>(job: object): Promise<T> {
    this.#child.stdin!.write(`${JSON.stringify(job)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the SDK process ended');
    return JSON.parse(value) as T;
  }

  close(): void {
    this.#child.kill();
  }
}
