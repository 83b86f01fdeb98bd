import { describe, expect, it } from 'vitest';
import { addonFiles, addonPath, platformPackage } from '../../src/native/addon-file.js';

describe('where the add-on is looked for', () => {
  it('the package of the platform, by processor and C library', () => {
    expect(platformPackage('linux', 'x64', true)).toBe('quarry-miner-linux-x64-gnu');
    expect(platformPackage('linux', 'x64', false)).toBe('quarry-miner-linux-x64-musl');
    expect(platformPackage('darwin', 'arm64', false)).toBe('quarry-miner-darwin-arm64');
    expect(platformPackage('win32', 'x64', false)).toBe('quarry-miner-win32-x64');
  });

  it('and where a build on this machine leaves it, last', () => {
    expect(addonFiles().at(-1)).toBe(addonPath());
  });
});
