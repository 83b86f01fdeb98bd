import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OpenTargets } from '../../src/miner/feed/open-targets.js';
import { EpochChange, type EpochChangeDeps } from '../../src/miner/run/epoch-change.js';
import type { MinerEvents } from '../../src/miner/run/events.js';
import { TaskGroup } from '../../src/miner/run/task-group.js';

/** What was done, in order. */
let done: string[];
let stop: AbortController;
let background: TaskGroup;

beforeEach(() => {
  done = [];
  stop = new AbortController();
  background = new TaskGroup(async (failure) => {
    throw failure;
  });
});
afterEach(async () => {
  stop.abort();
  await background.settled();
});

function epochs(targetsFirstMs: number, staysSame = false): EpochChange {
  const chain = {
    epoch: 4n,
    staysInto: () => staysSame,
    begin: (epoch: bigint) => {
      chain.epoch = epoch;
    },
    refresh: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      done.push('read the state');
      return { epoch: chain.epoch };
    },
  };
  const deps = {
    chain,
    background,
    book: new OpenTargets(),
    emitter: new EventEmitter<MinerEvents>(),
    complaints: { forget: () => done.push('forgot complaints') },
    wake: { now: () => done.push('woke') },
    claims: { start: () => done.push('claims') },
    hosting: { release: async () => void done.push('released') },
    models: { active: [] },
    weights: { prune: async () => void done.push('pruned') },
    journal: { weights: { note: () => [] } },
    store: { models: [] },
    onModels: () => {},
  } as unknown as EpochChangeDeps;
  return new EpochChange({ keepScoresEpochs: 2, confirmationMs: 60_000, targetsFirstMs }, deps);
}

test('the targets that open with an epoch come before claims and tidying up', async () => {
  await epochs(60_000).begin(5n, 1n, stop.signal);
  // A turn of the event loop, in which anything that were to begin at once would.
  await new Promise((resolve) => setImmediate(resolve));
  expect(done).toEqual(['forgot complaints', 'read the state', 'woke']);
});

test('an epoch that changes neither models nor parameters begins before the state is read', async () => {
  await epochs(50, true).begin(5n, 1n, stop.signal);
  expect(done).toEqual(['forgot complaints', 'woke']);
  await background.settled();
  // Tidying up goes by the models of the new state.
  expect(done.indexOf('released')).toBeGreaterThan(done.indexOf('read the state'));
});

test('claims and tidying up begin when the targets have had their time', async () => {
  await epochs(0).begin(5n, 1n, stop.signal);
  await background.settled();
  expect(done).toEqual(expect.arrayContaining(['claims', 'released', 'pruned']));
});
