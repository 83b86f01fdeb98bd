import { loadAddon, type NativeJob } from '../../native/addon.js';
import { chooseIsa } from '../../native/capabilities.js';
import type { IsaLevel } from '../../native/isa-level.js';
import { runJob } from '../../native/run-job.js';
import type { ComposePool } from './pool.js';

/** The core's functions for compositions (`native/binding/compose_binding.cc`). */
interface ComposeCore {
  composePoolOpen(isa: IsaLevel, dim: number, capacity: number): unknown;
  composePoolPut(pool: unknown, slots: Int32Array, rows: Float32Array): NativeJob<Int32Array>;
  composePoolClose(pool: unknown): void;
  composePoolSearch(
    pool: unknown,
    goals: {
      readonly targets: Float32Array;
      readonly cosines: Float64Array;
      readonly leads: Float32Array;
      readonly leadsCount: number;
      readonly maxParts: number;
      readonly fewest: boolean;
    },
  ): NativeJob<{ readonly slots: Int32Array; readonly cosines: Float32Array }>;
}

/**
 * Creates a pool in the native core, of `capacity * (6 dim + 4 capacity)` bytes when full. Runs off the event loop.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the core is not built, does not load or lacks the requested level
 */
export function createNativePool(dim: number, capacity: number, isa?: IsaLevel): ComposePool {
  const native = loadAddon();
  const { usable, best } = native.capabilities();
  const level = chooseIsa(isa, usable, best);
  const core = native as typeof native & ComposeCore;
  const pool = core.composePoolOpen(level, dim, capacity);
  return {
    name: `native ${level}`,
    dim,
    capacity,
    close: () => core.composePoolClose(pool),
    put: (slots, rows) => runJob(core.composePoolPut(pool, slots, rows), 'composing'),
    async search({ targets, cosines, leads, maxParts, fewest = false }) {
      const leadsCount = leads[0]?.length ?? capacity;
      const flat = new Float32Array(leads.length * leadsCount);
      for (const [rival, lead] of leads.entries()) flat.set(lead, rival * leadsCount);
      const goals = { targets, cosines, leads: flat, leadsCount, maxParts, fewest };
      const found = await runJob(core.composePoolSearch(pool, goals), 'composing');
      return Array.from(cosines, (_, target) => {
        const slots = [...found.slots.subarray(target * maxParts, (target + 1) * maxParts)];
        return { slots: slots.filter((slot) => slot >= 0), cosine: found.cosines[target]! };
      });
    },
  };
}
