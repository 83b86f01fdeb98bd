import { loadAddon } from '../../native/addon.js';
import { chooseIsa } from '../../native/capabilities.js';
import type { IsaLevel } from '../../native/isa-level.js';
import { runJob } from '../../native/run-job.js';
import type { ComposePool } from './pool.js';

/**
 * Creates a pool in the native core, of `capacity * (6 dim + 4 capacity)` bytes when full. Runs off the event loop.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the core is not built, does not load or lacks the requested level
 */
export function createNativePool(dim: number, capacity: number, isa?: IsaLevel): ComposePool {
  const core = loadAddon();
  const { usable, best } = core.capabilities();
  const level = chooseIsa(isa, usable, best);
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
