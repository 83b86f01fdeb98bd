import { basename } from 'node:path';
import { toQuarryError } from '../../errors/index.js';
import type { MinerEmitter } from '../run/events.js';
import { SharedSlot, type SharedSlotDeps } from './shared-slot.js';
import { slotsOf } from './slots.js';

/** How often others' stores are looked into. */
const LOOK_MS = 1_000;
/** How often it is asked whether one of those processes is gone. */
const FINISH_MS = 15_000;

export interface SharedRowsDeps extends SharedSlotDeps {
  readonly emitter: Pick<MinerEmitter, 'emit'>;
}

/** Scores that other processes of this machine make for this miner, each into a store of its own: this one takes them over. */
export class SharedRows {
  readonly #stateDir: string;
  readonly #deps: SharedRowsDeps;
  readonly #slots = new Map<string, { readonly slot: SharedSlot; askAt: number }>();
  #dueAt = Number.NEGATIVE_INFINITY;

  /** @param stateDir of this miner */
  constructor(stateDir: string, deps: SharedRowsDeps) {
    this.#stateDir = stateDir;
    this.#deps = deps;
  }

  /** Takes over some of what others scored since; returns the samples that have scores now which they had not. */
  async take(): Promise<number[]> {
    const { now, emitter } = this.#deps;
    if (now() < this.#dueAt) return [];
    this.#dueAt = now() + LOOK_MS;
    const taken: number[] = [];
    for (const dir of slotsOf(this.#stateDir)) {
      try {
        for (const id of await this.#takeFrom(dir)) taken.push(id);
      } catch (error) {
        emitter.emit('warning', { error: toQuarryError(error, `taking over the scores in ${dir}`) });
        await this.#close(dir);
      }
    }
    // There may be more where that came from.
    if (taken.length > 0) this.#dueAt = Number.NEGATIVE_INFINITY;
    return taken;
  }

  async close(): Promise<void> {
    for (const dir of [...this.#slots.keys()]) await this.#close(dir);
  }

  async #takeFrom(dir: string): Promise<number[]> {
    const { now, emitter } = this.#deps;
    let open = this.#slots.get(dir);
    if (open === undefined) {
      const slot = await SharedSlot.open(dir, this.#deps);
      if (slot === undefined) return [];
      open = { slot, askAt: now() };
      this.#slots.set(dir, open);
      emitter.emit('shared', { scorer: basename(dir), state: 'found' });
    }
    const taken = await open.slot.take();
    if (taken.length > 0 || now() < open.askAt) return taken;
    open.askAt = now() + FINISH_MS;
    const rest = await open.slot.finish();
    if (rest === undefined) return [];
    this.#slots.delete(dir);
    emitter.emit('shared', { scorer: basename(dir), state: 'gone' });
    return rest;
  }

  async #close(dir: string): Promise<void> {
    const open = this.#slots.get(dir);
    this.#slots.delete(dir);
    await open?.slot.close();
  }
}
