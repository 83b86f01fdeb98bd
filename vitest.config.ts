import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Suites often wait, for sockets and for processes: three at a time keep a machine of two cores busy.
    maxWorkers: 3,
    // Against hangs, not for speed: tests score at low priority, on machines that may be busy with something else.
    testTimeout: 180_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000, interval: 20 } },
    // With --coverage, as in the gate: what is never executed.
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/gen/**'],
      reporter: ['text-summary', 'json-summary'],
      reportsDirectory: 'coverage',
    },
  },
});
