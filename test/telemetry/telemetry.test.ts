import { connect } from 'node:net';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { QuarryError } from '../../src/errors/index.js';
import { startHttpApi } from '../../src/telemetry/api/http-api.js';
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
  expect(text).toContain('"bytes":"12"');
});

test('the log names its levels, and keeps every digit of an amount', () => {
  let text = '';
  const write = (line: string): void => {
    text += line;
  };
  const logger = createLogger({ level: 'debug' }, { write });
  const rewardShannons = 123_456_789_012_345_678n;
  logger.warn({ rewardShannons, outcome: { fees: [1n, { feeShannons: rewardShannons }] } }, 'told');
  expect(JSON.parse(text)).toMatchObject({
    level: 'warn',
    rewardShannons: '123456789012345678',
    outcome: { fees: ['1', { feeShannons: '123456789012345678' }] },
    msg: 'told',
  });
});

test('the HTTP API answers loopback only, and obeys only with the token', async () => {
  const commands: string[] = [];
  const control = {
    pause: () => commands.push('pause'),
    resume: () => commands.push('resume'),
    stop: () => commands.push('stop'),
  };
  const ready = () => ({ ready: false, reason: 'paused' });
  const api = await startHttpApi(
    { port: 0, token: 't0ken' },
    { metrics: async () => 'm 1\n', summary: () => ({ a: 1n }), control, ready },
  );
  const bearer = { headers: { authorization: 'Bearer t0ken' } };
  // Only this machine can reach it: reading needs no token.
  expect((await fetch(`${api.url}/metrics`)).status).toBe(200);
  const wrong = { headers: { authorization: 'Bearer wrong' } };
  expect((await fetch(`${api.url}/1/pause`, { method: 'POST' })).status).toBe(401);
  expect((await fetch(`${api.url}/1/pause`, { ...wrong, method: 'POST' })).status).toBe(401);
  expect(commands).toEqual([]);
  expect(await (await fetch(`${api.url}/metrics`, bearer)).text()).toBe('m 1\n');
  expect(await (await fetch(`${api.url}/1/summary`, bearer)).json()).toEqual({ a: '1' });
  expect((await fetch(`${api.url}/1/pause`, { ...bearer, method: 'POST' })).status).toBe(202);
  expect(commands).toEqual(['pause']);
  expect((await fetch(`${api.url}/nothing`, bearer)).status).toBe(404);
  // Probes need no token, and learn nothing that is anyone's business.
  expect(await (await fetch(`${api.url}/health`)).json()).toEqual({ status: 'ok' });
  const probe = await fetch(`${api.url}/ready`);
  expect([probe.status, await probe.json()]).toEqual([503, { ready: false, reason: 'paused' }]);
  await api.close();
  const open = await startHttpApi({ port: 0 }, { metrics: async () => '', summary: () => ({}), control, ready });
  expect((await fetch(`${open.url}/1/summary`)).status).toBe(200);
  expect((await fetch(`${open.url}/1/stop`, { method: 'POST' })).status).toBe(403);
  await open.close();
  expect(commands).toEqual(['pause']);
});

test('the HTTP API is open to other machines only with a token', async () => {
  const deps = { metrics: async () => '', summary: () => ({}), ready: () => ({ ready: true }) };
  await expect(startHttpApi({ port: 0, host: '0.0.0.0' }, deps)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  const api = await startHttpApi({ port: 0, host: '0.0.0.0', token: 'x' }, deps);
  const url = api.url.replace('0.0.0.0', '127.0.0.1');
  expect((await fetch(`${url}/1/summary`)).status).toBe(401);
  expect((await fetch(`${url}/1/summary`, { headers: { authorization: 'Bearer x' } })).status).toBe(200);
  await api.close();
});

test('events are streamed until the reader disconnects', async () => {
  let onEnd = (): void => {};
  const ended = new Promise<void>((resolve) => {
    onEnd = resolve;
  });
  const api = await startHttpApi(
    { port: 0 },
    {
      metrics: async () => '',
      summary: () => ({}),
      ready: () => ({ ready: true }),
      events: (send) => {
        send('summary', { balance: 1n });
        return onEnd;
      },
    },
  );
  const control = new AbortController();
  const response = await fetch(`${api.url}/1/events`, { signal: control.signal });
  const { value } = await response.body!.getReader().read();
  expect(new TextDecoder().decode(value)).toBe('event: summary\ndata: {"balance":"1"}\n\n');
  control.abort();
  await ended;
  await api.close();
});

test('events of a reader that asks several times at once end with its connection', async () => {
  let begun = 0;
  let feeds = 0;
  const events = (): (() => void) => {
    begun++;
    feeds++;
    return () => void feeds--;
  };
  const deps = { metrics: async () => '', summary: () => ({}), ready: () => ({ ready: true }), events };
  const api = await startHttpApi({ port: 0 }, deps);
  const reader = connect(Number(new URL(api.url).port), '127.0.0.1').on('error', () => {});
  const isAnswered = new Promise((resolve) => reader.once('readable', resolve).once('close', resolve));
  reader.write('GET /1/events HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'.repeat(3));
  await isAnswered;
  reader.destroy();
  await expect.poll(() => begun > 0 && feeds === 0).toBe(true);
  await api.close();
});
