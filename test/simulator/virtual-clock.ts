import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';

interface Timer {
  readonly id: number;
  readonly at: number;
  readonly everyMs: number | undefined;
  readonly fire: () => void;
}

const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  setImmediate: globalThis.setImmediate,
  now: Date.now,
  random: Math.random,
  delay: timersPromises.setTimeout,
  immediate: timersPromises.setImmediate,
};

/** Where virtual time begins, milliseconds since the Unix epoch. */
const BEGINNING_MS = 1_800_000_000_000;

/**
 * Time that passes only on request. While installed, it replaces Node's timers, `Date.now` and `Math.random`, so that hours take
 * seconds and every run of a seed is the same.
 */
export class VirtualClock {
  #now = BEGINNING_MS;
  #nextId = 1;
  readonly #timers = new Map<number, Timer>();

  /** Milliseconds since the Unix epoch. */
  readonly now = (): number => this.#now;

  /** Waits in virtual time. */
  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        this.#timers.delete(id);
        reject(signal?.reason);
      };
      const id = this.#add(ms, undefined, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });

  /** @param random stands in for `Math.random` */
  install(random: () => number): void {
    const handleOf = (add: () => number): object => {
      const refresh = (): object => {
        this.#timers.delete(handle.id);
        handle.id = add();
        return handle;
      };
      const self = (): object => handle;
      const handle = {
        id: add(),
        refresh,
        ref: self,
        unref: self,
        hasRef: () => true,
        [Symbol.toPrimitive]: () => handle.id,
      };
      return handle;
    };
    const clear = (handle: { readonly id?: number } | number | undefined): void => {
      this.#timers.delete(typeof handle === 'object' ? (handle.id ?? 0) : (handle ?? 0));
    };
    Object.assign(globalThis, {
      setTimeout: (fire: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
        handleOf(() => this.#add(ms, undefined, () => fire(...args))),
      setInterval: (fire: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
        handleOf(() => this.#add(ms, Math.max(1, ms), () => fire(...args))),
      clearTimeout: clear,
      clearInterval: clear,
    });
    Date.now = this.now;
    Math.random = random;
    Object.assign(timersPromises, {
      setImmediate: async (value?: unknown) => {
        await this.sleep(1);
        return value;
      },
      setTimeout: async (ms = 0, value?: unknown, options: { readonly signal?: AbortSignal } = {}) => {
        await this.sleep(ms, options.signal);
        return value;
      },
    });
    syncBuiltinESMExports();
  }

  uninstall(): void {
    const { setTimeout, clearTimeout, setInterval, clearInterval } = real;
    Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval });
    Date.now = real.now;
    Math.random = real.random;
    Object.assign(timersPromises, { setTimeout: real.delay, setImmediate: real.immediate });
    syncBuiltinESMExports();
    this.#timers.clear();
  }

  /** Lets time pass, at most `ms`, until `isOver`; returns whether it was. */
  async pass(ms: number, isOver: () => boolean = () => false): Promise<boolean> {
    const end = this.#now + Math.round(ms);
    for (;;) {
      await settled();
      if (isOver()) return true;
      const next = this.#next();
      if (next === undefined || next.at > end) {
        this.#now = end;
        return false;
      }
      this.#now = Math.max(this.#now, next.at);
      this.#timers.delete(next.id);
      if (next.everyMs !== undefined) {
        this.#timers.set(next.id, { ...next, at: this.#now + next.everyMs });
      }
      next.fire();
    }
  }

  #add(ms: number, everyMs: number | undefined, fire: () => void): number {
    const id = this.#nextId++;
    const delay = Number.isFinite(ms) ? Math.max(1, Math.round(ms)) : 1;
    this.#timers.set(id, { id, at: this.#now + delay, everyMs, fire });
    return id;
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers.values()) if (first === undefined || timer.at < first.at) first = timer;
    return first;
  }
}

/** Resolves when no promise has anything left to do. */
function settled(): Promise<void> {
  return new Promise((resolve) => real.setImmediate(() => resolve()));
}
