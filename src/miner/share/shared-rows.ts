import { basename } from 'node:path';
import { toQuarryError } from '../../errors/index.js';
import type { MinerEmitter } from '../run/events.js';
import { PAGES_AT_ONCE, SharedSlot, type SharedSlotDeps, type TakenRows } from './shared-slot.js';
import { slotsOf } from './slots.js';

/** Interval at which other processes' stores are read. */
const LOOK_MS = 1_000;
/** Interval of checks whether a process has ended, and pause after a store could not be read. */
const FINISH_MS = 15_000;

const NOTHING: TakenRows = { scored: [], more: false };

export interface SharedRowsDeps extends SharedSlotDeps {
  readonly emitter: Pick<MinerEmitter, 'emit'>;
}

/** Imports scores that other processes on this machine make for this miner, each in its own store. */
export class SharedRows {
  readonly #stateDir: string;
  readonly #deps: SharedRowsDeps;
  readonly #slots = new Map<string, { readonly slot: SharedSlot; askAt: number }>();
  readonly #unreadableUntil = new Map<string, number>();
  #dueAt = Number.NEGATIVE_INFINITY;

  /** @param stateDir state directory of this miner */
  constructor(stateDir: string, deps: SharedRowsDeps) {
    this.#stateDir = stateDir;
    this.#deps = deps;
  }

  /**
   * Imports a bounded number of new scores from all processes.
   *
   * @param signal stops between pages
   */
  async take(signal?: AbortSignal): Promise<TakenRows> {
    const { now, emitter } = this.#deps;
    if (now() < this.#dueAt) return NOTHING;
    this.#dueAt = now() + LOOK_MS;
    const scored: number[] = [];
    let more = false;
    for (const dir of slotsOf(this.#stateDir)) {
      if (signal?.aborted) break;
      if (now() < (this.#unreadableUntil.get(dir) ?? Number.NEGATIVE_INFINITY)) continue;
      try {
        const taken = await this.#takeFrom(dir, signal);
        for (const id of taken.scored) scored.push(id);
        more ||= taken.more;
      } catch (error) {
        this.#unreadableUntil.set(dir, now() + FINISH_MS);
        emitter.emit('warning', { error: toQuarryError(error, `taking over the scores in ${dir}`) });
        await this.#close(dir);
      }
    }
    if (more || scored.length > 0) this.#dueAt = Number.NEGATIVE_INFINITY;
    return { scored, more: more || scored.length > 0 };
  }

  async close(): Promise<void> {
    for (const dir of [...this.#slots.keys()]) await this.#close(dir);
  }

  async #takeFrom(dir: string, signal: AbortSignal | undefined): Promise<TakenRows> {
    const { now, emitter } = this.#deps;
    let open = this.#slots.get(dir);
    if (open === undefined) {
      const slot = await SharedSlot.open(dir, this.#deps);
      if (slot === undefined) return NOTHING;
      open = { slot, askAt: now() };
      this.#slots.set(dir, open);
      emitter.emit('shared', { scorer: basename(dir), state: 'found' });
    }
    const { slot } = open;
    let taken = await slot.take();
    for (let page = 1; page < PAGES_AT_ONCE && taken.more && taken.scored.length === 0 && !signal?.aborted; page++)
      taken = await slot.take();
    if (taken.more || taken.scored.length > 0 || now() < open.askAt) return taken;
    const rest = await slot.finish();
    if (rest === undefined) {
      open.askAt = now() + FINISH_MS;
      return NOTHING;
    }
    if (rest !== 'gone') return rest;
    this.#slots.delete(dir);
    emitter.emit('shared', { scorer: basename(dir), state: 'gone' });
    return NOTHING;
  }

  async #close(dir: string): Promise<void> {
    const open = this.#slots.get(dir);
    this.#slots.delete(dir);
    await open?.slot.close();
  }
}
