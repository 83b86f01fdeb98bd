import { afterEach, expect, it } from 'vitest';
import type { QuarryError } from '../../src/errors/index.js';
import { NOTICES, NOTIFY_TEMPLATES, type NotifyTemplate, WebhookNotifier } from '../../src/notify/index.js';
import { type LoopbackServer, listen } from '../loopback-server.js';

const FROM = { network: 'testnet', address: '0xabc' };
const servers: LoopbackServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** A webhook that answers with these statuses, the last for ever. */
async function hook(...statuses: number[]): Promise<{ url: string; calls: { path: string; body: unknown }[] }> {
  const calls: { path: string; body: unknown }[] = [];
  const server = await listen((request, response) => {
    let text = '';
    request.on('data', (part) => {
      text += String(part);
    });
    request.on('end', () => {
      calls.push({ path: request.url ?? '', body: JSON.parse(text) });
      response.writeHead(statuses.length > 1 ? statuses.shift()! : statuses[0]!).end('thanks');
    });
  });
  servers.push(server);
  return { url: `${server.url}/hook/s3cret-path?chat_id=42`, calls };
}

function notifier(url: string, template: NotifyTemplate = 'json', clock = { ms: 0 }, quietMs = 60_000) {
  const failures: QuarryError[] = [];
  const retry = { attempts: 3, backoff: { baseMs: 1, maxMs: 2 } };
  const webhook = new WebhookNotifier(
    { url, template, quietMs, from: FROM },
    { onFailure: (error) => failures.push(error), now: () => clock.ms, retry },
  );
  return { webhook, failures };
}

it('sends each kind of notice once per quiet period, and again after it', async () => {
  const { url, calls } = await hook(200);
  const clock = { ms: 0 };
  const { webhook, failures } = notifier(url, 'json', clock);
  const sent = NOTICES.map((kind) => webhook.notify({ kind, text: 'first' }));
  expect(sent).toEqual(NOTICES.map(() => true));
  expect(webhook.notify({ kind: 'disk', text: 'too soon' })).toBe(false);
  clock.ms = 60_000;
  expect(webhook.notify({ kind: 'disk', text: 'again', details: { freeBytes: 1 } })).toBe(true);
  await webhook.close();
  expect(failures).toEqual([]);
  expect(calls).toHaveLength(NOTICES.length + 1);
  const again = calls.map(({ body }) => body as { text: string }).find(({ text }) => text === 'again');
  const at = expect.stringMatching(/^20\d\d-/);
  expect(again).toEqual({ event: 'disk', text: 'again', at, ...FROM, details: { freeBytes: 1 } });
});

it('reports the current state after the quiet period, unless it was reported', async () => {
  const { url, calls } = await hook(200);
  const clock = { ms: 0 };
  const { webhook } = notifier(url, 'json', clock, 40);
  const texts = (): string[] => calls.map(({ body }) => (body as { text: string }).text);
  for (const kind of ['node lost', 'node back'] as const) webhook.notify({ kind, text: kind });
  webhook.notify({ kind: 'balance low', text: 'balance low' });
  webhook.notify({ kind: 'disk', text: 'first' });
  await expect.poll(() => texts().length).toBe(4);
  for (const kind of ['node lost', 'protocol'] as const) webhook.notify({ kind, text: `${kind} again` });
  webhook.notify({ kind: 'node back', text: 'node back' });
  webhook.notify({ kind: 'node lost', text: 'node lost for good' });
  // These come again by themselves, or are over.
  webhook.notify({ kind: 'disk', text: 'second' });
  webhook.notify({ kind: 'balance low', text: 'lower' });
  webhook.withdraw('balance low');
  webhook.notify({ kind: 'protocol', text: 'protocol again' });
  clock.ms = 40;
  await expect.poll(texts).toContain('node lost for good');
  await webhook.close();
  expect(texts().slice(4).sort()).toEqual(['node lost for good', 'protocol again']);
});

it('is quiet for only a minute after a delivery that failed', async () => {
  const { url, calls } = await hook(404, 200);
  const clock = { ms: 0 };
  const { webhook, failures } = notifier(url, 'json', clock, 3_600_000);
  webhook.notify({ kind: 'idle', text: 'lost' });
  await expect.poll(() => failures.length).toBe(1);
  clock.ms = 59_999;
  expect(webhook.notify({ kind: 'idle', text: 'too soon' })).toBe(false);
  clock.ms = 60_000;
  expect(webhook.notify({ kind: 'idle', text: 'told' })).toBe(true);
  await webhook.close();
  expect(calls).toHaveLength(2);
});

it('uses the formats of chat services', async () => {
  const text = 'fullnode lost (testnet, 0xabc)';
  const expected: Record<NotifyTemplate, unknown> = {
    json: expect.objectContaining({ event: 'node lost', text: 'fullnode lost' }),
    slack: { text },
    discord: { content: text, allowed_mentions: { parse: [] } },
    telegram: { chat_id: '42', text },
  };
  for (const template of NOTIFY_TEMPLATES) {
    const { url, calls } = await hook(204);
    const { webhook } = notifier(url, template);
    webhook.notify({ kind: 'node lost', text: 'fullnode lost' });
    await webhook.close();
    expect(calls.map(({ body }) => body)).toEqual([expected[template]]);
  }
});

it('retries transient failures, and reports others without the URL', async () => {
  const passing = await hook(503, 200);
  const first = notifier(passing.url);
  first.webhook.notify({ kind: 'idle', text: 'x' });
  await first.webhook.close();
  expect([passing.calls.length, first.failures]).toEqual([2, []]);
  for (const url of [(await hook(404)).url, 'http://127.0.0.1:1/s3cret-path']) {
    const { webhook, failures } = notifier(url);
    webhook.notify({ kind: 'idle', text: 'x' });
    await webhook.close();
    expect(failures).toHaveLength(1);
    expect(failures[0]!.message).toMatch(/^"idle" was not delivered to the webhook: (status 404|UNREACHABLE)$/);
    expect(JSON.stringify(failures[0]) + failures[0]!.stack + String(failures[0]!.cause)).not.toContain('s3cret');
  }
});

it('refuses unusable URLs without echoing them', () => {
  const make = (url: string, template: NotifyTemplate = 'json') => {
    try {
      notifier(url, template);
      return 'accepted';
    } catch (error) {
      expect(String(error)).not.toContain('s3cret');
      return (error as QuarryError).code;
    }
  };
  expect(make('s3cret')).toBe('CONFIG_INVALID');
  expect(make('ftp://example.com/s3cret')).toBe('CONFIG_INVALID');
  expect(make('https://example.com/s3cret', 'telegram')).toBe('CONFIG_INVALID');
  expect(make('https://example.com/s3cret?chat_id=1', 'telegram')).toBe('accepted');
});

it('does not wait for a webhook that hangs', async () => {
  const server = await listen(() => {});
  servers.push(server);
  const { webhook, failures } = notifier(`${server.url}/`);
  webhook.notify({ kind: 'disk', text: 'x' });
  await webhook.close(20);
  expect(failures.map(({ code }) => code)).toEqual(['ABORTED']);
});
