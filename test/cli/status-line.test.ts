import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { LiveArea } from '../../src/cli/live-area.js';
import { RepeatedWarnings } from '../../src/cli/mining/repeated-warnings.js';
import { layOut, statusParts } from '../../src/cli/mining/status-line.js';
import { MinerStats } from '../../src/miner/run/stats.js';
import { createStyle } from '../../src/text/index.js';

function parts(): string[] {
  let now = 0;
  const stats = new MinerStats(() => now);
  Object.assign(stats.outcomes, { accepted: 37, lost: 2, rejected: 1 });
  stats.spawnToSubmit.record(12);
  now = 1_800_000;
  const live = {
    waitingTargets: 0,
    fullnodeLostMs: undefined,
    openTargets: 100,
    reach: 0.874,
    epoch: 9n,
    paused: false,
    accountFeesShannons: 0n,
  };
  return statusParts(stats.summary({ ...live, balanceShannons: 123_456_789_012_345_678n }));
}

it('what matters most comes first, and nothing is cut', () => {
  const all = parts();
  const wide = layOut(all, 200, 2);
  expect(wide).toEqual([all.join('  ')]);
  expect(wide[0]).toMatch(
    /^A 37 {2}L 2 {2}R 1 {2}74\.0\/h {2}123456789\.012345678 SOMA {2}submit 12\/12 ms {2}epoch 9 {2}targets 100 {2}reach 87 %/,
  );
  for (const width of [20, 40, 80, 120]) {
    const lines = layOut(all, width, 2);
    expect(lines.length).toBeLessThanOrEqual(2);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
    // Every line is made of whole parts.
    expect(all.join('  ').startsWith(lines.join('  '))).toBe(true);
  }
  expect(layOut(all, 80, 2)[0]).toContain('123456789.012345678 SOMA');
});

it('unknown is not shown as nothing', () => {
  const live = {
    waitingTargets: 0,
    fullnodeLostMs: undefined,
    openTargets: 0,
    reach: undefined,
    epoch: undefined,
    paused: true,
    accountFeesShannons: 0n,
    balanceShannons: undefined,
  };
  const text = statusParts(new MinerStats(() => 0).summary(live)).join('  ');
  expect(text).toMatch(/^paused {2}A 0 {2}L 0 {2}R 0 {2}waiting for the node/);
  expect(text).not.toMatch(/SOMA|targets|reach/);
});

it('a status of two lines leaves nothing behind', async () => {
  const stream = new PassThrough();
  const area = new LiveArea({ stream, isTty: true, columns: () => 41, style: createStyle(false) });
  area.status((width) => layOut(parts(), width, 2));
  await new Promise((resolve) => setTimeout(resolve, 200));
  area.clear();
  const written = String(stream.read());
  expect(written.split('\n')).toHaveLength(3);
  expect(written.endsWith('\u001b[2A\u001b[0J')).toBe(true);
});

it('equal warnings are told once, then counted', () => {
  let now = 0;
  const warnings = new RepeatedWarnings(60_000, () => now);
  expect([warnings.isNew('no node'), warnings.isNew('no node'), warnings.isNew('other')]).toEqual([true, false, true]);
  expect(warnings.takeDue()).toEqual([]);
  now = 60_000;
  expect(warnings.takeDue()).toEqual([{ text: 'no node', count: 1 }]);
  // Still going on: not told anew, but counted; what did not come again is told anew.
  expect([warnings.isNew('no node'), warnings.isNew('other')]).toEqual([false, true]);
  expect(warnings.takeDue(true)).toEqual([{ text: 'no node', count: 1 }]);
});
