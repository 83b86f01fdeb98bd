import { describe, expect, test } from 'vitest';
import { peerProcess } from '../../bench/baselines/peer-process.js';
import { pythonPeer } from '../../bench/baselines/python.js';
import { comparisons } from '../../bench/comparisons.js';
import { benchResult } from '../../bench/result.js';

const node = (script: string, job: object = {}) => peerProcess([process.execPath, '-e', script], job);

describe('a peer in a process of its own', () => {
  test('gets the job and answers on the last line', async () => {
    const script = `console.log('loading');
      process.stdin.on('data', (job) => console.log(JSON.stringify({ twice: 2 * JSON.parse(job).number })));`;
    expect(await node(script, { number: 21 })).toEqual({ twice: 42 });
  });

  test('is skipped with the reason when it is absent, fails, dies or says nothing', async () => {
    expect(await peerProcess(['/no/such/python'], {})).toEqual({ skipped: 'there is no program /no/such/python' });
    expect(await node(`console.error('out of luck'); process.exitCode = 3;`)).toEqual({
      skipped: 'ended with 3: out of luck',
    });
    expect(await node('process.kill(process.pid, "SIGKILL"); setTimeout(() => {}, 9999)')).toEqual({
      skipped: 'ended with SIGKILL',
    });
    expect(await node('')).toEqual({ skipped: 'it printed no result' });
  });

  test('ends with the bench', async () => {
    const controller = new AbortController();
    const running = peerProcess([process.execPath, '-e', 'setTimeout(() => {}, 60000)'], {}, controller.signal);
    setTimeout(() => controller.abort(), 50);
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('in Python measures a product, or names the module that is missing', async () => {
    const job = {
      do: 'gemm',
      library: 'numpy',
      precision: 'f32',
      threads: 1,
      repeats: 1,
      shapes: [[8, 16, 32]],
    } as const;
    const right = await pythonPeer<{ results: { seconds: number; error: number }[] }>(
      undefined,
      { ...job, tolerance: 1e-6 },
      undefined,
    );
    if ('skipped' in right) {
      expect(right.skipped).toMatch(/^the Python module numpy is not installed$|^there is no program python3/);
      return;
    }
    expect(right.results[0]!.seconds).toBeGreaterThan(0);
    const wrong = await pythonPeer<object>(undefined, { ...job, tolerance: -1 }, undefined);
    expect(wrong).toMatchObject({ skipped: expect.stringMatching(/^its result is wrong: error .* allowed$/) });
  });
});

describe('comparisons', () => {
  const own = benchResult({
    bench: 'gemm',
    case: 'a product',
    engine: 'native',
    isa: 'avx2',
    precision: 'f32',
    threads: 2,
    value: 100,
    unit: 'FLOP/s',
    limit: 200,
    ratio: 0.5,
    error: 1e-7,
  });
  const ran = { name: 'slow', seconds: 4, error: 1e-6, version: 'slow 1.0' };
  const absent = { name: 'absent', skipped: 'not installed' };

  test('stand beside our own result, one row a peer', () => {
    expect([...comparisons(own, 2, 200, [absent, ran])]).toEqual([
      { ...own, peer: 'slow', peerRatio: 2, peerValue: 50, peerError: 1e-6, note: 'slow 1.0' },
      { ...own, value: null, limit: null, ratio: null, error: null, peer: 'absent', note: 'skipped: not installed' },
    ]);
  });

  test('leave our own result whole where no peer ran', () => {
    expect([...comparisons(own, 2, 200, [])]).toEqual([own]);
    expect([...comparisons(own, 2, 200, [absent])].map(({ value, peer }) => [value, peer])).toEqual([
      [100, null],
      [null, 'absent'],
    ]);
  });
});
