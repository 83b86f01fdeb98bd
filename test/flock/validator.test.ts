import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { externalScorer } from '../../src/flock/external-scorer.js';
import type { JsonObject } from '../../src/flock/json.js';
import {
  type ScorerInput,
  type ScorerVerdict,
  type ValidatorEvent,
  validatorLoop,
} from '../../src/flock/validator-loop.js';
import { type Bench, collect, failure, startBench } from './bench.js';

async function withWork(count = 1): Promise<Bench> {
  const bench = await startBench();
  bench.s3.put('7/validation_set.jsonl', Buffer.from('{"conversations":[]}\n'));
  for (let i = 0; i < count; i++)
    bench.ledger.addSubmission(7, { hg_repo_id: `a/m${i}`, base_model: 'qwen1.5', odd: true });
  return bench;
}

const scored = async (): Promise<ScorerVerdict> => ({ verdict: 'scored', metrics: { loss: 0.5 } });

function loop(
  bench: Bench,
  scorer: (input: ScorerInput) => Promise<ScorerVerdict>,
  more: { maxAssignments?: number; signal?: AbortSignal; taskIds?: number[] } = {},
) {
  return validatorLoop(
    { taskIds: [7], scorer, maxAssignments: 1, ...more },
    { client: bench.client, now: bench.clock.now, sleep: bench.clock.sleep },
  );
}

describe('validator loop', () => {
  it('downloads the set, merges the inputs, posts the metrics, cleans up', async () => {
    const bench = await withWork();
    let file = '';
    let input: JsonObject = {};
    const events = await collect(
      loop(bench, async (given) => {
        file = given.evalFile ?? '';
        input = given.input;
        expect(await readFile(file, 'utf8')).toBe('{"conversations":[]}\n');
        return scored();
      }),
    );
    expect(events.map((event) => event.event)).toEqual(['assigned', 'completed']);
    expect(input).toMatchObject({
      hg_repo_id: 'a/m0',
      base_model: 'qwen1.5',
      odd: true,
      context_length: 8192,
      max_params: 15e9,
    });
    expect(bench.ledger.assignments[0]).toMatchObject({ status: 'completed', metrics: { loss: 0.5 } });
    expect(existsSync(file)).toBe(false);
  });

  it('waits out the lookup window and the lack of work; no hot loop', async () => {
    const bench = await withWork(2);
    const stop = new AbortController();
    const events: ValidatorEvent[] = [];
    for await (const event of loop(bench, scored, { maxAssignments: 99, signal: stop.signal })) {
      events.push(event);
      if (events.filter((entry) => entry.event === 'idle').length === 3) stop.abort();
    }
    expect(events.map((event) => event.event)).toEqual([
      'assigned',
      'completed',
      'assigned',
      'completed',
      'idle',
      'idle',
      'idle',
    ]);
    expect(bench.ledger.seen(/request-validation/)).toHaveLength(5);
    expect(bench.clock.slept.reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(4 * 180_000 - 5);
  });

  it('pauses after a lookup without work even where lookups are not limited', async () => {
    const bench = await withWork(0);
    const stop = new AbortController();
    const options = { signal: stop.signal, lookupIntervalMs: 0, idleMs: 60_000 };
    let idle = 0;
    for await (const event of loop(bench, scored, options)) {
      expect(event).toMatchObject({ event: 'idle', reason: 'no-work', waitMs: 60_000 });
      if (++idle === 4) stop.abort();
    }
    // Each pause was over before the next lookup; the fourth was cut short by the signal.
    expect(bench.clock.slept.filter((ms) => ms === 60_000).length).toBeGreaterThanOrEqual(3);
  });

  it('rate limited elsewhere: waits the time the text names', async () => {
    const bench = await withWork();
    bench.ledger.fail({
      match: /request-val/,
      status: 400,
      body: '{"detail":"Rate limit reached for validation assignment lookup: 1 per 5 minutes"}',
    });
    const events = await collect(loop(bench, scored));
    expect(events[0]).toMatchObject({ event: 'idle', reason: 'rate-limited', waitMs: 300_000 });
    expect(bench.clock.slept).toContain(300_000);
    expect(events.at(-1)).toMatchObject({ event: 'completed' });
  });

  it('invalid submission: failed; problem of this machine: left alone, the loop stops', async () => {
    const bench = await withWork(2);
    await collect(loop(bench, async () => ({ verdict: 'invalid', reason: 'no weights' })));
    expect(bench.ledger.assignments[0]?.status).toBe('failed');
    bench.clock.at += 180_000;
    const error = await failure(collect(loop(bench, async () => ({ verdict: 'operator', reason: 'disk full' }))));
    expect(error.message).toContain('disk full');
    expect(bench.ledger.assignments[1]?.status).toBe('validating');
  });

  it('metrics with NaN or infinity: a local error, nothing posted', async () => {
    const bench = await withWork();
    for (const metrics of [{ loss: Number.NaN }, { a: { b: [1, Number.POSITIVE_INFINITY] } }]) {
      const error = await failure(bench.client.validation.complete(1, metrics));
      expect(error).toMatchObject({ code: 'NON_FINITE' });
    }
    expect(bench.ledger.requests).toEqual([]);
    await failure(collect(loop(bench, async () => ({ verdict: 'scored', metrics: { loss: Number.NaN } }))));
    expect(bench.ledger.seen(/update-validation/)).toEqual([]);
  });

  it('assignment expired while scoring: dropped, the loop goes on', async () => {
    const bench = await withWork(2);
    let calls = 0;
    const events = await collect(
      loop(
        bench,
        async () => {
          if (++calls === 1) bench.ledger.assignments[0]!.status = 'expired';
          return scored();
        },
        { maxAssignments: 2 },
      ),
    );
    expect(events.map((event) => event.event)).toEqual(['assigned', 'dropped', 'assigned', 'completed']);
  });

  it('reply to the result lost: repeated, and "not validating" then means probably stored', async () => {
    const bench = await withWork();
    bench.ledger.fail({ match: /update-val/, mode: 'lose-reply' });
    const events = await collect(loop(bench, scored));
    expect(events.at(-1)).toMatchObject({ event: 'completed', stored: 'probably' });
    expect(bench.ledger.assignments[0]?.metrics).toEqual({ loss: 0.5 });
  });

  it('a result outlives an outage of the service, and a limit of its rate', async () => {
    const bench = await withWork();
    bench.ledger.fail({ match: /update-val/, status: 503, times: 20 });
    bench.ledger.fail({ match: /update-val/, status: 429, body: '{"detail":"Rate limit reached: 1 per 4 minutes"}' });
    const events = await collect(loop(bench, scored));
    expect(events.at(-1)).toMatchObject({ event: 'completed', metrics: { loss: 0.5 } });
    expect(bench.ledger.assignments[0]).toMatchObject({ status: 'completed', metrics: { loss: 0.5 } });
    const waits = events.flatMap((event) => (event.event === 'idle' ? [[event.reason, event.waitMs]] : []));
    expect(waits).toEqual([...Array(4).fill(['error', 180_000]), ['rate-limited', 240_000]]);
  });

  it('a result whose assignment ran out during an outage is dropped, or probably stored', async () => {
    const bench = await withWork(2);
    bench.ledger.fail({ match: /update-val/, mode: 'lose-reply' });
    bench.ledger.fail({ match: /update-val/, status: 503, times: 4 });
    const [, idle, stored] = await collect(loop(bench, scored));
    expect([idle, stored]).toMatchObject([{ event: 'idle' }, { event: 'completed', stored: 'probably' }]);
    bench.ledger.fail({ match: /update-val/, status: 429, body: '{"detail":"Rate limit reached: 1 per 4 minutes"}' });
    const events: ValidatorEvent[] = [];
    for await (const event of loop(bench, scored)) {
      if (events.push(event) === 2) bench.ledger.assignments[1]!.status = 'expired';
      if (event.event === 'dropped') break;
    }
    expect(events.map(({ event }) => event)).toEqual(['assigned', 'idle', 'dropped']);
  });

  it('waits no longer than the window when the clock is set back', async () => {
    const bench = await withWork(2);
    let setBackMs = 0;
    const { client, clock } = bench;
    const deps = { client, now: () => clock.now() - setBackMs, sleep: clock.sleep };
    const events: string[] = [];
    for await (const { event } of validatorLoop({ taskIds: [7], scorer: scored, maxAssignments: 2 }, deps)) {
      if (events.push(event) === 2) setBackMs = 86_400_000;
    }
    expect(events).toEqual(['assigned', 'completed', 'assigned', 'completed']);
    expect(Math.max(...clock.slept)).toBeLessThanOrEqual(180_000);
  });

  it('reply to the request lost: not asked again within the window', async () => {
    const bench = await withWork();
    bench.ledger.fail({ match: /request-val/, mode: 'lose-reply' });
    expect(await failure(bench.client.validation.request(7))).toMatchObject({ reason: 'FLOCK_NETWORK' });
    expect(bench.ledger.seen(/request-val/)).toHaveLength(1);
  });

  it('a scorer that stumbles is called again, three times at most', async () => {
    const bench = await withWork();
    let calls = 0;
    const events = await collect(
      loop(bench, async () => {
        if (++calls < 3) throw new Error('CUDA hiccup');
        return scored();
      }),
    );
    expect(events.map((event) => event.event)).toEqual(['assigned', 'retry', 'retry', 'completed']);
  });
});

describe('external scorer', () => {
  const input = (more: Partial<ScorerInput> = {}): ScorerInput => ({
    input: { hg_repo_id: 'a/b' },
    assignment: { id: 'x/1', status: 'validating', task_submission: { data: { hg_repo_id: 'a/b' } }, data: {} },
    evalFile: '/tmp/eval.jsonl',
    taskId: 7,
    attempt: 1,
    signal: undefined,
    ...more,
  });
  const run = (command: string) => externalScorer({ command, env: process.env })(input());

  it('gets the input on standard input, answers metrics, speaks by exit status', async () => {
    const echo = `node -e 'let t="";process.stdin.on("data",d=>t+=d).on("end",()=>{console.log("loading...");const i=JSON.parse(t);console.log(JSON.stringify({loss:1,file:i.eval_file,id:i.assignment_id,repo:i.hg_repo_id}))})'`;
    expect(await run(echo)).toEqual({
      verdict: 'scored',
      metrics: { loss: 1, file: '/tmp/eval.jsonl', id: 'x/1', repo: 'a/b' },
    });
    expect(await run('exit 10')).toMatchObject({ verdict: 'invalid' });
    expect(await run('exit 11')).toMatchObject({ verdict: 'operator' });
    expect(await failure(run('exit 1'))).toMatchObject({ code: 'DATA_INVALID' });
    expect(await failure(run('echo hello'))).toMatchObject({ code: 'DATA_INVALID' });
  });
});
