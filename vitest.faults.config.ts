import { defineConfig } from 'vitest/config';

/** Minutes of faults: processes killed at random points, a network that fails. `npm run test:faults`. */
export default defineConfig({
  test: {
    include: ['test/**/*.faults.ts'],
    // One at a time: what they measure against is the clock.
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000, interval: 20 } },
  },
});
