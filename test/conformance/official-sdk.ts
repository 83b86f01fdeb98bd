import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What the SDK gives: integers as bigint, floats as number, namespaces as objects. */
export type SdkValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly SdkValue[]
  | { readonly [name: string]: SdkValue };

/** An exception of the SDK. */
export class SdkError extends Error {
  /** Python's class, such as `RuntimeError`. */
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** Names something that the SDK process keeps: a client or a key. */
export class Named {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** What a call may be given beside its arguments. */
export interface SdkCall {
  readonly args?: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
  /** Keeps the result under this name. */
  readonly as?: string;
}

/** The official Python SDK in a process of its own. One call at a time. */
export class OfficialSdk {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #waiting: ((line: string | undefined) => void)[] = [];

  /** @param python interpreter that has the package installed */
  constructor(python: string) {
    const script = fileURLToPath(new URL('./sdk_process.py', import.meta.url));
    this.#child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout! });
    this.#lines.on('line', (line) => this.#waiting.shift()?.(line));
    this.#child.on('exit', () => {
      for (const waiting of this.#waiting.splice(0)) waiting(undefined);
    });
  }

  /** @throws SdkError what the SDK raised */
  async call(on: string, method: string, call: SdkCall = {}): Promise<SdkValue> {
    const request = {
      on,
      method,
      args: (call.args ?? []).map(encode),
      kwargs: encode(call.kwargs ?? {}),
      ...(call.as !== undefined && { as: call.as }),
    };
    const line = await new Promise<string | undefined>((resolve) => {
      this.#waiting.push(resolve);
      this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
    });
    if (line === undefined) throw new Error('the SDK process ended');
    const answer = JSON.parse(line, revive) as { ok: SdkValue; error?: { type: string; message: string } };
    if (answer.error !== undefined) throw new SdkError(answer.error.type, answer.error.message);
    return answer.ok;
  }

  close(): void {
    this.#lines.close();
    this.#child.stdin!.end();
    this.#child.kill();
  }
}

function encode(value: unknown): unknown {
  if (typeof value === 'bigint') return { $n: String(value) };
  if (value instanceof Uint8Array) return { $b: Buffer.from(value).toString('hex') };
  if (value instanceof Named) return { $named: value.name };
  if (value instanceof Float32Array) return Array.from(value);
  if (Array.isArray(value)) return value.map(encode);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, encode(each)]));
}

function revive(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('$n' in value) return BigInt(String(value.$n));
  if ('$b' in value) return new Uint8Array(Buffer.from(String(value.$b), 'hex'));
  return value;
}
