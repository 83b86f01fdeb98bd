import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { demoTasks } from '../../src/devnet/flock/fixtures.js';
import type { RankEvent } from '../../src/flock/watch/watch-ranks.js';
import type { ScoreEvent } from '../../src/flock/watch/watch-scores.js';
import type { TaskEvent, WatchTasksOptions } from '../../src/flock/watch/watch-tasks.js';
import { sleep } from '../../src/net/index.js';
import { type Bench, failure, startBench, tempDir } from './bench.js';

const HOUR = 3_600_000;

/** Follows until `until` says so; `between` runs before each look after the first. */
async function follow(
  bench: Bench,
  looks: number,
  options: WatchTasksOptions = {},
  between: (look: number) => void = () => {},
): Promise<TaskEvent[]> {
  const stop = new AbortController();
  let seen = 0;
  const client = bench.clientWith(
    { retry: { attempts: 1 } },
    {
      sleep: async (ms) => {
        bench.clock.at += ms;
        const lists = bench.ledger.seen(/tasks\/list/).length;
        if (lists > seen) {
          seen = lists;
          if (seen >= looks) stop.abort();
          else between(seen);
        }
        await new Promise((resolve) => setImmediate(resolve));
        stop.signal.throwIfAborted();
      },
    },
  );
  const events: TaskEvent[] = [];
  for await (const event of client.tasks.watch({ thresholdsMs: [], signal: stop.signal, jitter: 0, ...options }))
    events.push(event);
  return events;
}

const names = (events: readonly TaskEvent[]): string[] =>
  events.map((event) => ('id' in event ? `${event.event} ${event.id}` : event.event));

describe('watching tasks', () => {
  it('baseline first, then opened, changed, left and finalized', async () => {
    const bench = await startBench();
    const events = await follow(bench, 4, {}, (look) => {
      const { tasks } = bench.ledger;
      if (look === 1) tasks.push({ ...demoTasks()[7]!, id: 8, title: 'New\u001b[31m task' });
      if (look === 2) for (const task of tasks) if (task.id === 7) task.max_params = 20e9;
      if (look === 3)
        for (const task of tasks)
          if (task.id === 6) Object.assign(task, { status: 'finalized', final_link: 'https://huggingface.co/w/m' });
    });
    expect(names(events)).toEqual(['task-opened 8', 'task-changed 7', 'task-left 6', 'task-finalized 6']);
    expect(events[0]).toMatchObject({ title: 'New task' });
    expect(events[1]).toMatchObject({ fields: { max_params: { from: 15e9, to: 20e9 } } });
    expect(events[3]).toMatchObject({ final_link: 'https://huggingface.co/w/m' });
  });

  it('emitExisting reports the tasks present; an empty list is an answer', async () => {
    const bench = await startBench();
    const events = await follow(bench, 2, { emitExisting: true }, () => {
      for (const task of bench.ledger.tasks) task.status = 'in_between';
    });
    expect(names(events)).toEqual(['task-opened 6', 'task-opened 7', 'task-left 6', 'task-left 7']);
    expect(events[2]).toMatchObject({ status: 'in_between' });
  });

  it('failed polls report no task as gone; degraded and recovered are emitted; pauses grow', async () => {
    const bench = await startBench();
    bench.ledger.fail({ match: /tasks\/list/, after: 1, status: 502, times: 3 });
    const events = await follow(bench, 6);
    expect(names(events)).toEqual(['degraded', 'degraded', 'recovered']);
    expect(events.map((event) => ('failures' in event ? event.failures : 0))).toEqual([1, 2, 3]);
  });

  it('each deadline threshold is reported once, also over a restart', async () => {
    const bench = await startBench();
    const stateFile = join(await tempDir(), 'deep', 'watch.json');
    bench.clock.at = Date.UTC(2025, 3, 23, 20, 0, 0);
    for (const task of bench.ledger.tasks) if (task.id === 6) task.status = 'finalized';
    const options = { thresholdsMs: [24 * HOUR, HOUR, 600_000], stateFile, intervalMs: 30 * 60_000 };
    const first = await follow(bench, 3, options);
    expect(first.map((event) => (event.event === 'deadline' ? event.thresholdMs : event.event))).toEqual([24 * HOUR]);
    bench.ledger.requests.length = 0;
    const second = await follow(bench, 8, options);
    expect(second.map((event) => (event.event === 'deadline' ? event.thresholdMs : event.event))).toEqual([
      HOUR,
      600_000,
    ]);
    expect(second[0]).toMatchObject({ left: '01h 00m' });
    expect(JSON.parse(await readFile(stateFile, 'utf8'))).toMatchObject({ version: 1 });
    await writeFile(stateFile, 'garbage');
    expect(await failure(follow(bench, 2, options))).toMatchObject({ code: 'DATA_INVALID' });
  });

  it('refuses to ask more often than every 15 s; ends on abort without a timer left', async () => {
    const bench = await startBench();
    expect(await failure(bench.client.tasks.watch({ intervalMs: 1000 }).next())).toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    const stop = new AbortController();
    const client = bench.clientWith({}, { sleep });
    const watching = client.tasks.watch({ signal: stop.signal, emitExisting: false, thresholdsMs: [] });
    setTimeout(() => stop.abort(), 20);
    expect((await watching.next()).done).toBe(true);
  });
});

describe('watching scores', () => {
  it('null to number, change, final score, new submission', async () => {
    const bench = await startBench();
    const first = bench.ledger.addSubmission(7, { hg_repo_id: 'a/one' });
    const stop = new AbortController();
    let looks = 0;
    const client = bench.clientWith(
      {},
      {
        sleep: async () => {
          looks++;
          if (looks === 1) first.submission_phase_score = 0.5;
          if (looks === 2) first.submission_phase_score = 0.75;
          if (looks === 3) first.final_validation_score = 0.9;
          if (looks === 4) bench.ledger.addSubmission(7, { hg_repo_id: 'a/two' });
          if (looks === 5) stop.abort();
          stop.signal.throwIfAborted();
        },
      },
    );
    const events: ScoreEvent[] = [];
    for await (const event of client.submissions.watch(7, { signal: stop.signal })) events.push(event);
    expect(events.map((event) => [event.event, 'to' in event ? event.to : null])).toEqual([
      ['phase-score', 0.5],
      ['phase-score', 0.75],
      ['final-score', 0.9],
      ['submission-added', null],
    ]);
  });
});

describe('watching ranks', () => {
  it('a rank gained, changed, lost; one wallet; a failed poll reports no wallet as gone', async () => {
    const bench = await startBench();
    const [one, two] = ['0xAbcdefabcdefabcdefabcdefabcdefabcdefabcd', `0x${'1'.repeat(40)}`];
    const table = (...wallets: string[]): void => {
      const rows = wallets.map((wallet, i) => ({ wallet, rank: i + 1, submission_phase_score: 0.9 - i / 10 }));
      bench.ledger.leaderboard.splice(0, Number.POSITIVE_INFINITY, ...rows);
    };
    table(one);
    const follow = async (wallet?: string): Promise<RankEvent[]> => {
      const stop = new AbortController();
      let looks = 0;
      const client = bench.clientWith(
        { retry: { attempts: 1 } },
        {
          sleep: async () => {
            looks++;
            if (looks === 1) table(two, one);
            if (looks === 2) bench.ledger.fail({ match: /stats.models/, status: 500, body: '{}' });
            if (looks === 4) table(two);
            if (looks === 5) stop.abort();
            stop.signal.throwIfAborted();
          },
        },
      );
      const events: RankEvent[] = [];
      const options = { signal: stop.signal, ...(wallet !== undefined && { wallet }) };
      for await (const event of client.leaderboard.watch(7, options)) events.push(event);
      return events;
    };
    expect(await follow()).toEqual([
      { event: 'rank', wallet: two, from: null, to: 1, score: 0.9 },
      { event: 'rank', wallet: one, from: 1, to: 2, score: 0.8 },
      { event: 'degraded', failures: 1, reason: expect.any(String) },
      { event: 'rank', wallet: one, from: 2, to: null, score: null },
    ]);
    table(one);
    const mine = await follow(one.toLowerCase());
    expect(mine.flatMap((event) => (event.event === 'rank' ? [[event.from, event.to]] : []))).toEqual([
      [1, 2],
      [2, null],
    ]);
  });
});
