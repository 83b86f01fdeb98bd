import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Keypair } from '../../src/soma/chain/index.js';
import { cliRunner } from './run-cli.js';

it('two commands mine: a devnet with models and a funded miner, then the miner; its history is kept', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'quarry-two-'));
  const stop = new AbortController();
  try {
    const miner = Keypair.generate();
    const base = { HOME: dir, QUARRY_STATE_DIR: join(dir, 'state'), QUARRY_WORKERS: '1' };
    const run = cliRunner({ ...base, SOMA_SECRET_KEY: miner.exportSecret('hex') });
    let onUrl = (_url: string): void => {};
    const url = new Promise<string>((resolve) => {
      onUrl = resolve;
    });
    const serving = run(['devnet', '--models', '2', '--fund', miner.address, '--json'], {
      signal: stop.signal,
      onOutput: (text) => {
        const found = /"rpcUrl":"([^"]+)"/.exec(text)?.[1];
        if (found !== undefined) onUrl(found);
      },
    });
    const corpus = join(dir, 'corpus.txt');
    await writeFile(corpus, Array.from({ length: 20_000 }, (_, i) => `line ${i * 7919}`).join('\n'));
    const mined = await run(['mine', '--network', await url, '--data', corpus, '--until-hits', '2', '--json']);
    expect(mined.exit).toBe(0);
    const events = mined.lines.map((line) => JSON.parse(line));
    for (const event of events) expect(event.at).toMatch(/^\d{4}-\d\d-\d\dT/);
    const accepted = events.filter(({ event }) => event === 'accepted');
    expect(accepted.length).toBeGreaterThanOrEqual(2);
    const history = (await run(['history', '--json'])).lines.map((line) => JSON.parse(line));
    const won = history.filter(({ outcome }) => outcome === 'accepted');
    expect(won.map(({ targetId }) => targetId).sort()).toEqual(accepted.map(({ targetId }) => targetId).sort());
    const rewards = new Map(accepted.map(({ targetId, rewardShannons }) => [targetId, rewardShannons]));
    for (const { targetId, rewardShannons, origin } of won) {
      expect(rewardShannons).toBe(rewards.get(targetId));
      // A row of the file, or rows of it joined.
      expect(origin).toMatch(/corpus\.txt|\d+ parts: samples /);
    }
    // The node agrees on who won.
    const why = await run(['why', won[0].targetId, '--network', await url, '--json']);
    expect(why.json.winner).toMatchObject({ submitter: miner.address, distance: expect.closeTo(won[0].distance, 5) });
    stop.abort();
    await serving;
  } finally {
    stop.abort();
    await rm(dir, { recursive: true, force: true });
  }
});
