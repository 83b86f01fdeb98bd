import { expect, test } from 'vitest';
import { createNativeDistanceEngine, isaLevels, nativeCapabilities } from '../../src/engine/native/index.js';
import { ISA_LEVELS } from '../../src/native/isa-level.js';

test('every level is named, says why it does not run, and runs where it says so', async () => {
  const levels = isaLevels();
  expect(levels.map((level) => level.name)).toEqual(ISA_LEVELS);
  for (const { name, available, detail } of levels) {
    const open = () => createNativeDistanceEngine({ isa: name, threads: 1 });
    if (available) {
      const engine = open();
      expect(engine.isa).toBe(name);
      await engine.close();
    } else {
      expect(detail).toMatch(/not built here|lacks/);
      expect(open).toThrow(expect.objectContaining({ code: 'ENGINE_UNAVAILABLE' }));
    }
  }
  const capabilities = nativeCapabilities();
  const best = levels.filter((level) => level.detail.includes('the best here'));
  expect(best.map((level) => level.name)).toEqual(capabilities.available ? [capabilities.best] : []);
  // ARM and x86 exclude each other.
  const arm = levels.find((level) => level.name === 'neon')!;
  expect(arm.available).toBe(process.arch === 'arm64');
});
