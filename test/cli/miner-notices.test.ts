import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { MinerNotices } from '../../src/cli/mining/miner-notices.js';
import { QuarryError } from '../../src/errors/index.js';
import type { MinerEvents } from '../../src/miner/index.js';
import type { Notice } from '../../src/notify/index.js';

function followed() {
  const clock = { ms: 0 };
  const told: Notice[] = [];
  const over: string[] = [];
  const notices = new MinerNotices(
    { idleMs: 60_000, now: () => clock.ms },
    (notice) => told.push(notice),
    (kind) => over.push(kind),
  );
  const events = new EventEmitter<MinerEvents>();
  notices.follow({ events });
  return { clock, told, over, notices, events };
}

const OUTCOME = {
  targetId: 't',
  digest: 'd',
  latencyMs: 1,
  distance: 0,
  threshold: 1,
  origin: 'o',
  rewardShannons: 1n,
};

it('idleness is reported when others fill targets and this miner does not', () => {
  const { clock, told, events } = followed();
  const othersFill = (count: number): void => {
    for (let i = 0; i < count; i++) events.emit('filled', { targetId: 't', own: false });
  };
  othersFill(10);
  clock.ms = 60_000;
  events.emit('filled', { targetId: 't', own: true });
  expect(told).toEqual([]);
  othersFill(1);
  expect(told).toMatchObject([{ kind: 'idle', details: { filledByOthers: 11, silentMs: 60_000 } }]);
  // An accepted submission begins anew; a quiet network is not idleness.
  events.emit('outcome', { ...OUTCOME, outcome: { kind: 'accepted', feeShannons: 1n } });
  clock.ms = 180_000;
  othersFill(4);
  events.emit('outcome', { ...OUTCOME, outcome: { kind: 'lost', reason: 'r', feeShannons: 1n } });
  expect(told).toHaveLength(1);
  othersFill(1);
  expect(told).toHaveLength(2);
});

it('notices of nodes, balance, disk and protocol say what to do', () => {
  const { told, notices, events } = followed();
  events.emit('fullnode', { state: 'lost', reason: new QuarryError('UNREACHABLE', 'no answer') });
  events.emit('fullnode', { state: 'back', lostMs: 90_000 });
  events.emit('balance', { state: 'low', balanceShannons: 10n ** 8n, neededShannons: 2n * 10n ** 8n });
  events.emit('balance', { state: 'restored', balanceShannons: 10n ** 9n, neededShannons: 2n * 10n ** 8n });
  events.emit('warning', { error: new QuarryError('UNSUPPORTED', 'version 9', { details: { protocolVersion: '9' } }) });
  events.emit('warning', { error: new QuarryError('UNSUPPORTED', 'something else') });
  notices.disk(undefined);
  notices.disk(2 ** 31);
  notices.disk(2 ** 20);
  expect(told.map(({ kind, text }) => `${kind}: ${text}`)).toEqual([
    'node lost: fullnode lost: no answer',
    'node back: fullnode back after 1m 30s',
    'balance low: balance low: 0.1 SOMA, 0.2 SOMA needed; submissions wait for coins',
    'protocol: version 9',
    'disk: disk nearly full: 1.00 MiB left',
  ]);
});
