import { expect, it } from 'vitest';
import { TaskGroup } from '../../src/miner/run/task-group.js';
import { ClaimSchedule } from '../../src/miner/submit/claim-schedule.js';

const never = new AbortController().signal;

/** A schedule whose rounds end when the test says so, and the epochs that they claim in. */
function made(dryRun = false) {
  const epochs: bigint[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const failures: string[] = [];
  const chain = { epoch: 5n };
  const background = new TaskGroup(async ({ message }) => void failures.push(message));
  const claimer = {
    claimDue: (epoch: bigint) =>
      new Promise<void>((resolve, reject) => {
        epochs.push(epoch);
        ends.push((error) => (error === undefined ? resolve() : reject(error)));
      }),
  };
  const schedule = new ClaimSchedule({ dryRun }, { claimer, epoch: () => chain.epoch, background });
  return { schedule, chain, epochs, ends, failures, background };
}

it('a round that is asked for during another follows it at once, in the epoch there is by then', async () => {
  const { schedule, chain, epochs, ends, background } = made();
  schedule.start(never);
  chain.epoch = 6n;
  schedule.start(never);
  schedule.start(never);
  expect(epochs).toEqual([5n]);
  ends[0]!();
  await expect.poll(() => epochs).toEqual([5n, 6n]);
  ends[1]!();
  await background.settled();
  expect([epochs.length, schedule.missed]).toEqual([2, false]);
});

it('a round that failed counts as missed until the next begins, and none follows it by itself', async () => {
  const { schedule, epochs, ends, failures, background } = made();
  schedule.start(never);
  schedule.start(never);
  ends[0]!(new Error('the node is away'));
  await background.settled();
  expect([epochs.length, schedule.missed, failures]).toEqual([1, true, [expect.stringContaining('the node is away')]]);
  schedule.start(never);
  expect([epochs.length, schedule.missed]).toEqual([2, false]);
  ends[1]!();
  await background.settled();
});

it('nothing is claimed in a dry run', async () => {
  const { schedule, epochs, background } = made(true);
  schedule.start(never);
  await background.settled();
  expect(epochs).toEqual([]);
});
