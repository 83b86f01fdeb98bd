import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { LiveArea } from '../../src/cli/live-area.js';
import { OutcomeBursts } from '../../src/cli/mining/outcome-bursts.js';
import { outcomeLines } from '../../src/cli/mining/outcome-lines.js';
import { RepeatedWarnings } from '../../src/cli/mining/repeated-warnings.js';
import { STATUS_FIELDS } from '../../src/cli/mining/status-fields.js';
import { parseStatusFormat } from '../../src/cli/mining/status-format.js';
import { layOut, statusParts } from '../../src/cli/mining/status-line.js';
import type { MinerSummary, SubmissionOutcome } from '../../src/miner/index.js';
import { MinerStats } from '../../src/miner/run/stats.js';
import { createStyle } from '../../src/text/index.js';
import { until } from '../until.js';

function summary(): MinerSummary {
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
  return stats.summary({ ...live, balanceShannons: 123_456_789_012_345_678n });
}

it('what matters most comes first, and nothing is cut', () => {
  const all = statusParts(summary());
  const wide = layOut(all, 200, 2);
  expect(wide).toEqual([all.join('  ')]);
  expect(wide[0]).toMatch(
    /^A 37 {2}L 2 {2}R 1 {2}74\.0\/h {2}123456789\.012345678 SOMA {2}submit 12\/12 ms {2}node ok {2}epoch 9 {2}targets 100 {2}reach 87 %/,
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

it('a silent node comes first, with how long it has been silent', () => {
  const lost = { ...summary(), fullnodeLostMs: 185_000 };
  expect(layOut(statusParts(lost), 40, 2)[0]).toBe('FULLNODE LOST 3m 05s  A 37  L 2  R 1');
});

it('a template of the user shows fields by name, and refuses names it does not know', () => {
  const format = parseStatusFormat('{{A}} {accepted}/{lost} at {perHour}, { node }');
  expect(format(summary())).toBe('{A} 37/2 at 74.0/h, node ok');
  for (const name of Object.keys(STATUS_FIELDS)) expect(parseStatusFormat(`{${name}}`)(summary())).not.toBe('');
  const wrong = (template: string) => expect(() => parseStatusFormat(template));
  wrong('{acepted}').toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      hint: expect.stringMatching(/did you mean \{accepted\}.*uptime/),
    }),
  );
  wrong('{toString}').toThrow('unknown field "toString"');
  wrong('50 } of').toThrow('unmatched');
});

it('a burst of outcomes is one line, a few have a line each, and reasons are kept apart', () => {
  const lines: string[] = [];
  const bursts = new OutcomeBursts(60_000, (burst) => lines.push(...outcomeLines(burst, createStyle(false))));
  const event = (i: number, outcome: SubmissionOutcome) => ({
    targetId: `0x${String(i).padStart(64, '0')}`,
    digest: 'd',
    outcome,
    latencyMs: 10 + i,
    distance: 0.4 + i / 1000,
    threshold: 0.5,
    origin: `book.txt@${i * 1024}`,
    rewardShannons: 1_000_000_000n,
  });
  for (let i = 0; i < 37; i++) bursts.add(event(i, { kind: 'accepted', feeShannons: 1n }));
  bursts.add(event(37, { kind: 'lost', reason: 'filled', feeShannons: 1n }));
  bursts.add(event(38, { kind: 'lost', reason: 'epoch ended', feeShannons: 1n }));
  expect(lines).toEqual([]);
  bursts.flush();
  expect(lines).toEqual([
    'accepted  37 targets  closest 0.4000  37 SOMA  book.txt (10 to 46 ms)',
    expect.stringMatching(
      /^lost {5}"filled" {2}0x00000000…0037 {2}0\.4370 < 0\.5000 {2}1 SOMA {2}book\.txt@37888 \(47 ms\)$/,
    ),
    expect.stringContaining('"epoch ended"'),
  ]);
  bursts.flush();
  expect(lines).toHaveLength(3);
});

it('a status of two lines leaves nothing behind', async () => {
  const stream = new PassThrough();
  const area = new LiveArea({ stream, isTty: true, columns: () => 41, style: createStyle(false) });
  area.status((width) => layOut(statusParts(summary()), width, 2));
  await until(() => stream.readableLength > 0, 'the status');
  area.clear();
  const written = String(stream.read());
  expect(written.split('\n')).toHaveLength(3);
  expect(written.endsWith('\r\u001b[2A\u001b[0J')).toBe(true);
});

it('equal warnings are shown once, then counted', () => {
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

it('after a thousand other warnings the first is shown again: memory of them is bounded', () => {
  const warnings = new RepeatedWarnings(60_000, () => 0);
  expect(warnings.isNew('the first')).toBe(true);
  for (let n = 0; n < 1_000; n++) warnings.isNew(`warning ${n}`);
  expect([warnings.isNew('warning 999'), warnings.isNew('the first')]).toEqual([false, true]);
});
