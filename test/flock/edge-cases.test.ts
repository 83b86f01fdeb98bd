import { describe, expect, it } from 'vitest';
import { demoTasks, listItem } from '../../src/devnet/flock/fixtures.js';
import { flockBaseUrl } from '../../src/flock/base-url.js';
import { bestSubmissions, isInvalidScore } from '../../src/flock/best-submissions.js';
import { describeTask, formatParams, parseVramGb } from '../../src/flock/describe-task.js';
import { flatten } from '../../src/flock/flatten.js';
import { parseHubLink, parseTaskId, parseWallet } from '../../src/flock/identifiers.js';
import type { JsonObject } from '../../src/flock/json.js';
import { parseRateText } from '../../src/flock/rate-text.js';
import { descriptionText, oneLine } from '../../src/flock/remote-text.js';
import { formatCountdown, parseUtc } from '../../src/flock/time.js';
import type { TaskListItem, WalletSubmission } from '../../src/flock/types.js';
import { parseRetryAfterMs, redactUrl } from '../../src/net/index.js';
import { listen } from '../loopback-server.js';
import { collect, failure, onEnd, SEED_DAY, startBench } from './bench.js';

const task = (more: object = {}): TaskListItem =>
  ({ ...listItem(demoTasks()[7]!), ...more }) as unknown as TaskListItem;

describe('values', () => {
  it('recommended_vram missing, null, "24 GB", "n/a"', () => {
    expect(['24GB', '24 GB', '48gib', '24G', '1.5GB'].map(parseVramGb)).toEqual([24, 24, 48, 24, 1.5]);
    expect(['n/a', '', 'GB', '24MB', null, undefined, 24].map(parseVramGb)).toEqual(Array(7).fill(undefined));
  });

  it('data null or empty: the task is described all the same', () => {
    for (const data of [null, {}]) {
      expect(describeTask(task({ data }), SEED_DAY)).toMatchObject({ id: 7, maxParams: undefined, vramGb: undefined });
    }
  });

  it('timestamps without zone, with Z, with an offset, missing, nonsense', () => {
    expect(parseUtc('2025-03-26T16:22:01.791348')).toBe(Date.UTC(2025, 2, 26, 16, 22, 1, 791));
    expect(parseUtc('2025-03-26T16:22:01Z')).toBe(Date.UTC(2025, 2, 26, 16, 22, 1));
    expect(parseUtc('2025-03-26T16:22:01+02:00')).toBe(Date.UTC(2025, 2, 26, 14, 22, 1));
    expect(parseUtc('2025-03-26')).toBe(Date.UTC(2025, 2, 26));
    expect([null, undefined, '', 'soon', '2025-99-99T00:00:00'].map(parseUtc)).toEqual(Array(5).fill(undefined));
  });

  it('missing ends are estimated by the rule that holds for all eight published tasks', () => {
    for (const published of demoTasks()) {
      const exact = describeTask(listItem(published) as unknown as TaskListItem, SEED_DAY);
      expect(exact.estimated).toBe(false);
      const { submission_phase_ends_at: _a, final_validation_ends_at: _b, ...bare } = listItem(published);
      const guessed = describeTask(bare as unknown as TaskListItem, SEED_DAY);
      expect(guessed.estimated).toBe(true);
      expect(guessed.submissionsCloseAt).toBe(exact.submissionsCloseAt);
      expect(guessed.finalValidationEndsAt).toBe(exact.finalValidationEndsAt);
    }
    const none = describeTask(
      task({ initialized_at: undefined, submission_phase_ends_at: undefined, final_validation_ends_at: undefined }),
      SEED_DAY,
    );
    expect(none).toMatchObject({ submissionsCloseAt: undefined, countdown: '—', estimated: false });
  });

  it('phases: open, overdue, the nameless state in between, upcoming, unknown', () => {
    const close = Date.UTC(2025, 3, 23, 23, 59, 59, 791);
    expect(describeTask(task(), SEED_DAY)).toMatchObject({ phase: 'open', overdue: false, countdown: '13d 10h' });
    expect(describeTask(task(), close + 1)).toMatchObject({ phase: 'open', overdue: true });
    const between = task({ status: 'whatever_it_is_called' });
    expect(describeTask(between, close + 1).phase).toBe('final-validation');
    expect(describeTask(between, SEED_DAY).phase).toBe('open');
    expect(describeTask(between, Date.UTC(2025, 2, 1)).phase).toBe('upcoming');
    expect(describeTask(between, Date.UTC(2026, 0, 1)).phase).toBe('unknown');
    expect(describeTask(task({ status: 'finalized' }), SEED_DAY).phase).toBe('finalized');
  });

  it('countdowns and parameter counts', () => {
    const [m, h, d] = [60_000, 3_600_000, 86_400_000];
    expect([27 * d + 7 * h, 5 * h + 12 * m, 9 * m + 41_000, -3 * d, -2 * h, -5 * m, 0].map(formatCountdown)).toEqual([
      '27d 07h',
      '05h 12m',
      '09m 41s',
      'closed 3d ago',
      'closed 2h ago',
      'closed 5m ago',
      'closed just now',
    ]);
    expect([9.5e9, 15e9, 620e6, 3e9, 999].map(formatParams)).toEqual(['9.5B', '15B', '620M', '3B', '999']);
  });

  it('task ids "7" and 7; 7.5, -1, abc refused locally', async () => {
    expect([parseTaskId('7'), parseTaskId(7), parseTaskId(0)]).toEqual([7, 7, 0]);
    const { client, ledger } = await startBench();
    for (const bad of [7.5, -1, 'abc', '7.5', '', Number.NaN, 2 ** 60]) {
      expect(await failure(client.tasks.get(bad))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    expect(ledger.requests).toEqual([]);
  });

  it('wallets without 0x, of wrong length, with a letter too many, in mixed case', () => {
    const address = '0xB93A9c73751Bbca8E1924954271ee8d4De5747c9';
    expect(parseWallet(address)).toBe(address);
    for (const bad of [address.slice(2), address.slice(0, -1), `${address}0`, address.replace('9', 'g'), '']) {
      expect(() => parseWallet(bad)).toThrow(/expected 0x and 40 hex digits/);
    }
  });

  it('Hub links with and without revision', () => {
    expect(parseHubLink('https://huggingface.co/a/b')).toEqual({ repo: 'a/b' });
    expect(parseHubLink('https://huggingface.co/a/b/tree/main')).toEqual({ repo: 'a/b', revision: 'main' });
    expect(parseHubLink('https://huggingface.co/a/b/commit/abc')).toEqual({ repo: 'a/b', revision: 'abc' });
    expect(parseHubLink('https://huggingface.co/a')).toBeUndefined();
    expect(parseHubLink('nonsense')).toBeUndefined();
  });

  it('signatures never survive redaction', () => {
    expect(redactUrl('https://b.s3.amazonaws.com/7/t.jsonl?X-Amz-Signature=abc')).toBe(
      'https://b.s3.amazonaws.com/7/t.jsonl?…',
    );
  });
});

describe('flattening, the exact rule', () => {
  it('arrays and deeper objects stay, empty objects vanish, null keeps its place, collisions go to the expanded value', () => {
    const table = flatten([
      { a: 1, data: { x: { deep: 1 }, y: [1, 2], z: null }, b: 'late' },
      { a: 2, data: {}, data_y: 'own', c: true },
      { a: 3, data: null },
    ]);
    expect(table.columns).toEqual(['a', 'b', 'data_x', 'data_y', 'data_z', 'c', 'data']);
    expect(table.rows).toEqual([
      { a: 1, b: 'late', data_x: { deep: 1 }, data_y: [1, 2], data_z: null },
      { a: 2, data_y: 'own', c: true },
      { a: 3, data: null },
    ]);
    expect(flatten([{ data_y: 'own', data: { y: 'inner' } }]).rows).toEqual([{ data_y: 'inner' }]);
  });

  it('no record, empty record, only a true prefix is stripped', () => {
    expect(flatten([])).toEqual({ columns: [], rows: [] });
    expect(flatten({})).toEqual({ columns: [], rows: [{}] });
    expect(flatten({ metadata_x: 1, data: { y: 2 } }, { stripPrefix: 'data_' }).columns).toEqual(['metadata_x', 'y']);
    // A name that is taken keeps its prefix: no value is lost.
    expect(flatten({ y: 1, data: { y: 2 } }, { stripPrefix: 'data_' }).rows).toEqual([{ y: 1, data_y: 2 }]);
  });
});

describe('best submission per link', () => {
  const row = (link: string, score: number | null, at = 'x'): WalletSubmission => ({
    link,
    submission_phase_score: score,
    final_validation_score: null,
    submitted_at: at,
  });

  it('nulls last in their order, ties in their order, one row per link, empty list', () => {
    expect(bestSubmissions([])).toEqual([]);
    expect(
      bestSubmissions([row('a', null, '1'), row('b', null, '2'), row('a', null, '3')]).map((r) => r.submitted_at),
    ).toEqual(['1', '2']);
    const mixed = [row('a', null, '1'), row('b', 2, '2'), row('a', 5, '3'), row('c', 5, '4'), row('b', 1, '5')];
    expect(bestSubmissions(mixed).map((r) => r.submitted_at)).toEqual(['3', '4', '2']);
    expect(bestSubmissions(mixed, 'lower').map((r) => r.submitted_at)).toEqual(['5', '3', '4']);
  });

  it('999 and -999 are markers, not winners, and keep their value', () => {
    const marked = [row('a', -999), row('a', 0.4), row('b', 999), row('c', null)];
    expect(bestSubmissions(marked, 'lower').map((r) => [r.link, r.submission_phase_score])).toEqual([
      ['a', 0.4],
      ['b', 999],
      ['c', null],
    ]);
    expect([999, -999, 0, null].map(isInvalidScore)).toEqual([true, true, false, false]);
  });
});

describe('remote text', () => {
  it('HTML only when it begins with a known tag; breaks, lists, links, entities once', () => {
    expect(
      descriptionText(
        '<p>Tom & Jerry &amp; &lt;b&gt; &amp;lt;</p><script>alert(1)</script><style>p{}</style><ul><li>one</li><li>two <a href="https://x.org/?a=1&amp;b=2">site</a></li></ul>line<br>next &#128640; &#x41;',
      ),
    ).toBe('Tom & Jerry & <b> &lt;\n\n- one\n- two site (https://x.org/?a=1&b=2)\nline\nnext 🚀 A');
    expect(descriptionText('a < b and c > d')).toBe('a < b and c > d');
    expect(descriptionText('<3 this task')).toBe('<3 this task');
    expect(descriptionText('<context> is kept')).toBe('<context> is kept');
  });

  it('terminal escapes and controls are removed', () => {
    expect(oneLine('\u001b[31mred\u001b[0m \u001b]0;title\u0007ok\u0000\u009b2J \u202eabc')).toBe('red ok abc');
    const view = describeTask(task({ title: 'a\u001b[2Jb', description: 'x\u001b]8;;http://e\u001b\\y' }), SEED_DAY);
    expect([view.title, view.summary]).toEqual(['ab', 'xy']);
  });
});

describe('answers of the service', () => {
  it('unknown status, unknown type and extra fields are kept', async () => {
    const { client, clientWith, ledger } = await startBench();
    const odd = { id: 312, title: 'T', status: 'brewing', task_type: 'video', data: { zip: { a: 1 } }, extra: [1] };
    ledger.overrides.set('tasks/list', [odd]);
    expect(await client.tasks.list()).toMatchObject([odd]);
    expect(await client.tasks.closing()).toHaveLength(1);
    expect(await failure(clientWith({ strict: true }).tasks.list())).toMatchObject({ reason: 'FLOCK_DECODE' });
  });

  it('a field of another type is reported with its path', async () => {
    const { client, ledger } = await startBench();
    ledger.overrides.set('tasks/list', [
      { id: 1, title: 'T', status: 's', data: {} },
      { id: 'x', title: 'T', status: 's', data: {} },
    ]);
    const error = await failure(client.tasks.list());
    expect(error).toMatchObject({ reason: 'FLOCK_DECODE', code: 'PROTOCOL' });
    expect(error.message).toContain('$[1].id');
  });

  it('unknown task: 404 with detail, and 200 with null', async () => {
    const { client, ledger } = await startBench();
    expect(await failure(client.tasks.get(404))).toMatchObject({ reason: 'FLOCK_NOT_FOUND', status: 404 });
    ledger.overrides.set('tasks/get', null);
    expect(await failure(client.tasks.get(404))).toMatchObject({ reason: 'FLOCK_NOT_FOUND' });
  });

  it('401 and 403, whatever they say, mean the key; the hint names the clash; the key is nowhere in the error', async () => {
    const { client, ledger } = await startBench();
    for (const [status, detail] of [
      [401, 'Not authenticated'],
      [403, 'Not authenticated'],
      [403, 'Node is not staked'],
    ] as const) {
      ledger.fail({ match: /wallet-submissions/, status, body: JSON.stringify({ detail }) });
      const error = await failure(client.submissions.mine(7));
      expect(error).toMatchObject({ reason: 'FLOCK_AUTH', code: 'UNAUTHENTICATED', exitCode: 3, detail });
      expect(error['hint']).toContain('api.flock.io');
      expect(JSON.stringify(error) + error.message + error.stack).not.toContain(ledger.apiKey);
    }
  });

  it('422 prints one line per issue', async () => {
    const { client, ledger } = await startBench();
    ledger.fail({
      match: /tasks\/get/,
      status: 422,
      body: JSON.stringify({
        detail: [{ type: 'int_parsing', loc: ['query', 'task_id'], msg: 'Input should be a valid integer' }],
      }),
    });
    const error = await failure(client.tasks.get(1));
    expect(error).toMatchObject({
      reason: 'FLOCK_VALIDATION',
      issues: [{ path: 'query.task_id', message: 'Input should be a valid integer' }],
    });
    expect(error.message).toContain('query.task_id: Input should be a valid integer');
  });

  it('rate limits: by 429 with and without Retry-After, and by text on 400 and 403 before they mean anything else', async () => {
    const { client, ledger, clock } = await startBench();
    const text = 'Rate limit reached for validation assignment lookup: 1 per 3 minutes';
    const request = (): Promise<unknown> => client.validation.request(7);
    ledger.fail({ match: /./, status: 429, headers: { 'retry-after': '42' } });
    expect(await failure(request())).toMatchObject({ reason: 'FLOCK_RATE_LIMITED', retryAfterMs: 42_000 });
    ledger.fail({ match: /./, status: 429 });
    expect(await failure(request())).toMatchObject({ reason: 'FLOCK_RATE_LIMITED', retryAfterMs: 180_000 });
    for (const status of [400, 403]) {
      ledger.fail({ match: /./, status, body: JSON.stringify({ detail: text.replace('3', '5') }) });
      expect(await failure(request())).toMatchObject({ reason: 'FLOCK_RATE_LIMITED', retryAfterMs: 300_000 });
    }
    // Reads wait as long as they are told and go on by themselves.
    ledger.fail({ match: /tasks\/get/, status: 429, headers: { 'retry-after': '7' } });
    await client.tasks.get(1);
    expect(clock.slept.at(-1)).toBe(7000);
    expect(parseRateText('2 per 1 hour')).toBe(1_800_000);
    expect(parseRateText(`1 per ${'9'.repeat(400)} hours`)).toBe(86_400_000);
    expect(parseRetryAfterMs('86400', 0)).toBe(300_000);
    expect(parseRetryAfterMs('Thu, 01 Jan 1970 00:00:30 GMT', 10_000)).toBe(20_000);
  });

  it('502 with HTML, 200 with HTML, 200 empty; bodies are clipped', async () => {
    const { clientWith, ledger } = await startBench();
    const client = clientWith({ retry: { attempts: 1 } });
    const page = `<html><head><title>502</title></head><body>${'x'.repeat(5000)}</body></html>`;
    ledger.fail({ match: /./, status: 502, body: page });
    const gateway = await failure(client.tasks.get(1));
    expect(gateway).toMatchObject({ reason: 'FLOCK_SERVER', status: 502, code: 'REMOTE_FAILURE' });
    expect(gateway.message.length).toBeLessThan(620);
    for (const body of [page, '']) {
      ledger.fail({ match: /./, status: 200, body });
      const odd = await failure(client.tasks.get(1));
      expect(odd).toMatchObject({ reason: 'FLOCK_DECODE', status: 200 });
      expect(odd.message.length).toBeLessThan(620);
    }
  });

  it('reads are repeated after gateway failures and resets, at most five times; the error counts the attempts', async () => {
    const { client, ledger } = await startBench();
    ledger.fail({ match: /tasks\/get/, status: 503, times: 2 });
    ledger.fail({ match: /tasks\/get/, mode: 'reset', times: 2 });
    await client.tasks.get(1);
    expect(ledger.requests).toHaveLength(5);
    ledger.fail({ match: /tasks\/list/, status: 500, times: 99 });
    expect(await failure(client.tasks.list())).toMatchObject({ reason: 'FLOCK_SERVER', attempts: 5 });
    ledger.fail({ match: /tasks\/get/, status: 400, body: '{"detail":"no"}', times: 99 });
    ledger.requests.length = 0;
    expect(await failure(client.tasks.get(1))).toMatchObject({ reason: 'FLOCK_BAD_REQUEST' });
    expect(ledger.requests).toHaveLength(1);
  });

  it('the service silent: a time-out; the service absent: unreachable, exit 4', async () => {
    const { clientWith, ledger } = await startBench();
    ledger.fail({ match: /./, mode: 'hang', times: 9 });
    expect(await failure(clientWith({ timeoutMs: 100, retry: { attempts: 1 } }).tasks.get(1))).toMatchObject({
      reason: 'FLOCK_TIMEOUT',
      exitCode: 4,
    });
    expect(
      await failure(clientWith({ baseUrl: 'http://127.0.0.1:9', retry: { attempts: 1 } }).tasks.get(1)),
    ).toMatchObject({ reason: 'FLOCK_NETWORK', exitCode: 4 });
  });

  it('missing key: named, exit 3, no request made', async () => {
    const { clientWith, ledger } = await startBench();
    const client = clientWith({ apiKey: '' });
    for (const call of [
      () => client.submissions.mine(7),
      () => client.submissions.submit({ taskId: 7, repo: 'a/b', revision: 'a'.repeat(40) }),
      () => client.validation.request(7),
      () => client.validation.fail(1),
    ]) {
      const error = await failure(call());
      expect(error).toMatchObject({ code: 'CONFIG_MISSING', exitCode: 3 });
      expect(error.message).toContain('FLOCK_API_KEY');
    }
    expect(ledger.requests).toEqual([]);
  });

  it('the key goes to calls that need it and to no other origin', async () => {
    const { client, ledger } = await startBench();
    await client.tasks.list();
    await client.submissions.mine(7);
    expect(ledger.requests.map((request) => request.headers['flock-api-key'])).toEqual([undefined, ledger.apiKey]);
    const seen: unknown[] = [];
    const other = await listen((request, response) => {
      seen.push(request.headers);
      response.end('{"items":[]}');
    });
    onEnd(other.close);
    const location = `${other.url}/x`;
    ledger.fail({ match: /wallet-submissions/, status: 302, headers: { location } });
    expect(await failure(client.submissions.mine(7))).toMatchObject({ code: 'ADDRESS_REFUSED' });
    expect(seen).toEqual([]);
    ledger.fail({
      match: /wallet-submissions$/,
      status: 307,
      headers: { location: '/api/v1/tasks/wallet-submissions?task_id=7&x=1' },
    });
    await client.submissions.mine(7);
    expect(ledger.requests.at(-1)?.headers['flock-api-key']).toBe(ledger.apiKey);
  });

  it('base addresses: with and without slash and version, http on this machine only', () => {
    for (const text of ['https://x.org', 'https://x.org/', 'https://x.org/api/v1', 'https://x.org/api/v1/']) {
      expect(flockBaseUrl(text)).toBe('https://x.org/api/v1/');
    }
    expect(flockBaseUrl('http://127.0.0.1:8080')).toBe('http://127.0.0.1:8080/api/v1/');
    expect(flockBaseUrl('http://[::1]:1/proxy')).toBe('http://[::1]:1/proxy/api/v1/');
    for (const bad of ['http://x.org', 'ftp://x.org', 'nonsense', 'https://u:p@x.org', 'http://127.0.0.1.evil.org']) {
      expect(() => flockBaseUrl(bad)).toThrow();
    }
  });
});

describe('page loop', () => {
  const fill = async (rows: number) => {
    const bench = await startBench();
    for (let i = 0; i < rows; i++) bench.ledger.addSubmission(7, { hg_repo_id: `a/m${i}` });
    return bench;
  };

  it('pages missing, total null, only items: terminates with every row once', async () => {
    const { client, ledger } = await fill(250);
    for (const envelope of ['full', 'no-pages', 'no-total', 'none'] as const) {
      ledger.envelope = envelope;
      const rows = await collect(client.submissions.all(7));
      expect(new Set(rows.map((row) => row.link)).size, envelope).toBe(250);
      expect(rows).toHaveLength(250);
    }
    ledger.envelope = 'items-only';
    expect(await collect(client.submissions.all(7))).toHaveLength(100);
  });

  it('server ignoring page: terminates without duplicates, or says that rows are missing', async () => {
    const { client, ledger } = await fill(250);
    ledger.honoursPage = false;
    ledger.envelope = 'none';
    expect(await collect(client.submissions.all(7))).toHaveLength(100);
    ledger.envelope = 'full';
    expect(await failure(collect(client.submissions.all(7)))).toMatchObject({ reason: 'FLOCK_DECODE' });
  });

  it('no rows: no second request', async () => {
    const { client, ledger } = await fill(0);
    expect(await collect(client.submissions.all(7))).toEqual([]);
    expect(ledger.requests).toHaveLength(1);
  });
});

describe('clock', () => {
  it('local clock two hours wrong: countdowns use the service', async () => {
    const { clientWith, clock } = await startBench();
    const client = clientWith({}, { now: () => clock.at + 7_200_000 });
    const seven = await client.tasks.get(7);
    expect(describeTask(seven, client.clock.now()).countdown).toBe('13d 10h');
    expect(describeTask(seven, clock.at + 7_200_000).countdown).toBe('13d 08h');
  });
});

it('golden: the eight list items flattened in both generations', () => {
  const items = demoTasks().map(listItem) as JsonObject[];
  const second = flatten(items);
  const first = flatten(items, { stripPrefix: 'data_' });
  expect(second.rows).toHaveLength(8);
  expect(second.columns).toHaveLength(16);
  expect(second.columns.map((column) => column.replace(/^data_/, ''))).toEqual(first.columns);
  expect(second.rows.map((row) => row['data_recommended_vram'])).toEqual([
    undefined,
    '24GB',
    '24GB',
    '24GB',
    '24GB',
    '24GB',
    '24GB',
    '48GB',
  ]);
});
