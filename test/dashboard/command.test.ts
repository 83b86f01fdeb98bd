import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Journal } from '../../src/miner/journal/journal.js';
import { cliRunner } from '../cli/run-cli.js';

let dir: string;
let journal: Journal;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-dashboard-'));
  await mkdir(join(dir, 'state'));
  journal = new Journal(join(dir, 'state', 'journal.db'), Date.now);
  const id = { targetId: `0x${'a'.repeat(64)}`, checksum: 'c'.repeat(64), modelId: '0x1', digest: 'd1' };
  const promised = { signed: Uint8Array.of(1), epoch: 7n, bondShannons: 1n, rewardShannons: 10n ** 18n };
  journal.submissions.record(
    { ...id, ...promised },
    { origin: 'a.txt', distance: 0.25, threshold: 0.5, shareShannons: 5n },
  );
  journal.submissions.recordOutcome('d1', 'lost', { reason: 'targetNotOpen', feeShannons: 2n, latencyMs: 40 });
});
afterAll(async () => {
  journal.close();
  await rm(dir, { recursive: true, force: true });
});

it('quarry dashboard shows a state directory while another process writes it, and takes no orders', async () => {
  const run = cliRunner({ HOME: dir, QUARRY_API_TOKEN: 'token' });
  const stop = new AbortController();
  let told = (_url: string): void => {};
  const url = new Promise<string>((resolve) => {
    told = resolve;
  });
  const onOutput = (text: string): void => {
    if (text.startsWith('{"url"')) told(JSON.parse(text).url);
  };
  const args = ['dashboard', '--state-dir', join(dir, 'state'), '--json'];
  const ended = run(args, { signal: stop.signal, onOutput });
  const base = await url;
  const read = async (path: string) => (await fetch(`${base}${path}`)).json();
  expect(await (await fetch(`${base}/`)).text()).toContain('<title>Quarry</title>');
  expect(await read('/1/status')).toMatchObject({ live: false, controllable: false, totals: { lost: 1, accepted: 0 } });
  expect(await read('/1/history?by=epoch')).toMatchObject({
    periods: [{ key: '7', lost: 1 }],
    causes: [{ outcome: 'lost', reason: 'targetNotOpen', count: 1 }],
  });
  expect(await read('/1/submissions?limit=5')).toMatchObject([{ outcome: 'lost', origin: 'a.txt', latencyMs: 40 }]);
  expect(await read('/1/vitals')).toMatchObject({ points: [] });
  const order = { method: 'POST', headers: { authorization: 'Bearer token' } };
  expect((await fetch(`${base}/1/pause`, order)).status).toBe(404);
  stop.abort();
  expect((await ended).exit).toBe(130);
});

it('quarry dashboard says where it looked when nothing was mined there', async () => {
  const { error, exit } = await cliRunner({ HOME: dir })(['dashboard', '--state-dir', join(dir, 'none'), '--json']);
  expect([exit === 0, error.code]).toEqual([false, 'FILE_NOT_FOUND']);
});
