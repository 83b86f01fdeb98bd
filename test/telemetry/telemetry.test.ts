import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { QuarryError } from '../../src/errors/index.js';
import { startHttpApi } from '../../src/telemetry/http-api.js';
import { LatencyRecorder } from '../../src/telemetry/latency-recorder.js';
import { createLogger } from '../../src/telemetry/logger.js';
import { RateMeter } from '../../src/telemetry/rate-meter.js';

test('rates forget what left their window', () => {
  let now = 0;
  const meter = new RateMeter(() => now);
  for (let second = 0; second < 60; second++) {
    now = second * 1000;
    meter.add(5);
  }
  expect(meter.rates()).toEqual([5, expect.closeTo(300 / 59), undefined]);
  now += 30_000;
  expect(meter.rates()[0]).toBe(0);
  expect(meter.rates()[1]).toBeCloseTo(2.5);
  now += 3_600_000;
  expect(meter.rates()).toEqual([0, 0, 0]);
  expect(meter.total).toBe(300);
});

test('quantiles follow the latest values', () => {
  const latency = new LatencyRecorder(100);
  expect(latency.quantile(0.5)).toBeUndefined();
  for (let i = 1; i <= 1000; i++) latency.record(i);
  expect([latency.quantile(0), latency.quantile(0.5), latency.quantile(0.99)]).toEqual([901, 951, 1000]);
});

test('secrets never reach the log', () => {
  let text = '';
  const stream = new Writable({
    write(chunk, _, done) {
      text += chunk;
      done();
    },
  });
  const logger = createLogger({ level: 'info' }, stream);
  logger.info({
    secretKey: 'abc-secret',
    nested: { token: 'abc-secret', deeper: { mnemonic: 'abc-secret' } },
    amount: 1,
  });
  logger.error({ error: new QuarryError('TIMEOUT', 'too slow', { details: { bytes: 12n } }) });
  expect(text).not.toContain('abc-secret');
  expect(text).toContain('"code":"TIMEOUT"');
});

test('the HTTP API answers loopback only, and obeys only with the token', async () => {
  const commands: string[] = [];
  const control = {
    pause: () => commands.push('pause'),
    resume: () => commands.push('resume'),
    stop: () => commands.push('stop'),
  };
  const api = await startHttpApi(
    { port: 0, token: 't0ken' },
    { metrics: async () => 'm 1\n', summary: () => ({ a: 1n }), control },
  );
  const bearer = { headers: { authorization: 'Bearer t0ken' } };
  expect((await fetch(`${api.url}/metrics`)).status).toBe(401);
  expect((await fetch(`${api.url}/metrics`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
  expect(await (await fetch(`${api.url}/metrics`, bearer)).text()).toBe('m 1\n');
  expect(await (await fetch(`${api.url}/1/summary`, bearer)).json()).toEqual({ a: '1' });
  expect((await fetch(`${api.url}/1/pause`, { ...bearer, method: 'POST' })).status).toBe(202);
  expect(commands).toEqual(['pause']);
  expect((await fetch(`${api.url}/nothing`, bearer)).status).toBe(404);
  await api.close();
  const open = await startHttpApi({ port: 0 }, { metrics: async () => '', summary: () => ({}), control });
  expect((await fetch(`${open.url}/1/summary`)).status).toBe(200);
  expect((await fetch(`${open.url}/1/stop`, { method: 'POST' })).status).toBe(403);
  await open.close();
  expect(commands).toEqual(['pause']);
});
