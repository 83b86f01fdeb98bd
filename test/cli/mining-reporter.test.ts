import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import pino from 'pino';
import { expect, it } from 'vitest';
import { silentContext } from '../../src/cli/command-reference.js';
import { MiningReporter } from '../../src/cli/mining/mining-reporter.js';
import type { Miner, MinerEvents } from '../../src/miner/index.js';

it('writes lines in order of arrival, outcomes that share a line too', () => {
  const both = new PassThrough();
  const reporter = new MiningReporter(
    { ...silentContext(), stdout: both, stderr: both },
    { json: false, statusSeconds: 0 },
  );
  const events = new EventEmitter<MinerEvents>();
  reporter.attach({ events } as Miner, pino({ enabled: false }));
  const outcome = { targetId: '0xa', digest: 'd', latencyMs: 1, distance: 0.4, threshold: 0.5, origin: 'a.txt@0' };
  events.emit('outcome', { ...outcome, rewardShannons: 1n, outcome: { kind: 'accepted', feeShannons: 1n } });
  events.emit('epoch', { epoch: 7n, openTargets: 0 });
  events.emit('outcome', {
    ...outcome,
    rewardShannons: 1n,
    outcome: { kind: 'lost', reason: 'filled', feeShannons: 1n },
  });
  events.emit('claimed', { targetId: '0xb', receivedShannons: 1n, own: true });
  reporter.detach();
  const words = String(both.read())
    .trim()
    .split('\n')
    .map((line) => line.split(/\s/)[0]);
  expect(words).toEqual(['accepted', 'epoch', 'lost', 'claimed']);
});
