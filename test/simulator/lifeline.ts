import { setMaxListeners } from 'node:events';

/** What whatever happens after a kill throws; nothing of it leaves the miner. */
class Killed extends Error {}

/** Counts a miner's steps and kills it after one of them: from then on it reaches neither node, host nor journal. */
export class Lifeline {
  readonly #killAfter: number;
  readonly #death = new AbortController();
  #steps = 0;

  /** @param killAfter steps; infinite for a miner that is not killed */
  constructor(killAfter: number) {
    this.#killAfter = killAfter;
    setMaxListeners(0, this.#death.signal);
  }

  get dead(): boolean {
    return this.#death.signal.aborted;
  }

  /** Fires when the miner is killed. */
  get death(): AbortSignal {
    return this.#death.signal;
  }

  kill(): void {
    this.#death.abort();
  }

  /** @throws Killed when the miner is dead, or dies now */
  step(): void {
    if (!this.dead && ++this.#steps > this.#killAfter) this.kill();
    if (this.dead) throw new Killed('killed');
  }

  /** An answer that a dead miner never hears. */
  async hear<T>(answer: Promise<T>): Promise<T> {
    try {
      const value = await answer;
      this.step();
      return value;
    } catch (error) {
      if (this.dead) return new Promise(() => {});
      throw error;
    }
  }

  /** An object whose calls are steps, before and after what they do. */
  guard<T extends object>(object: T): T {
    return new Proxy(object, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value === 'object' && value !== null) return this.guard(value);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          this.step();
          const result: unknown = value.apply(target, args);
          if (result instanceof Promise) return this.hear(result);
          this.step();
          return result;
        };
      },
      set: (target, name, value) => {
        this.step();
        return Reflect.set(target, name, value, target);
      },
    });
  }
}
