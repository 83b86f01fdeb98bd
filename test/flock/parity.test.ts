import { describe, expect, it } from 'vitest';
import { bestSubmissions, SUBMISSION_COLUMNS } from '../../src/flock/best-submissions.js';
import { flatten, transpose } from '../../src/flock/flatten.js';
import type { JsonObject } from '../../src/flock/json.js';
import { collect, failure, startBench } from './bench.js';

const FIRST_COLUMNS = [
  'title',
  'description',
  'task_type',
  'duration_in_seconds',
  'id',
  'status',
  'initialized_at',
  'submission_phase_ends_at',
  'final_validation_ends_at',
];
const WALLET = '0xB93A9c73751Bbca8E1924954271ee8d4De5747c9';

const rows = (value: unknown): JsonObject[] => value as JsonObject[];

describe('flocky, function by function, with the values its documents print', () => {
  it('get_task(1)', async () => {
    const { client } = await startBench();
    const task = await client.tasks.get(1);
    expect(task).toMatchObject({
      id: 1,
      task_type: 'training',
      title: 'Foundation Model for Web3 Agent',
      duration_in_seconds: 2160000,
      status: 'finalized',
      initialized_at: '2024-12-31T03:02:33.260306',
      submission_phase_ends_at: '2025-01-25T23:59:59.260306',
      final_validation_ends_at: '2025-01-30T23:59:59.260306',
      final_link: 'https://huggingface.co/jfranklin-foundry/task-1-microsoft-Phi-3-mini-4k-instruct',
      data: { max_params: 9500000000, context_length: 4096 },
    });
    expect(task.description).toBe(
      'The Web3 world is buzzing about AI agents, but true decentralization can’t happen if every agent relies on GPT or Claude. FLock is rallying open-source and decentralized AI engineers to build a foundation model with robust function-calling capabilities for blockchain-related tasks. Together, let’s empower everyone to create their own models and agents.',
    );
    const link = new URL(String(task.data?.training_set_url));
    expect(link.pathname).toBe('/1/training_set.jsonl');
    expect(Object.fromEntries(link.searchParams)).toMatchObject({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Date': '20250410T130858Z',
      'X-Amz-Expires': '3600',
      'X-Amz-SignedHeaders': 'host',
    });
  });

  it('get_task(1, as_df=True): one row, columns in the printed order', async () => {
    const { client } = await startBench();
    const table = flatten(rows(await client.tasks.get(1)) as unknown as JsonObject);
    expect(table.columns).toEqual([
      ...FIRST_COLUMNS,
      'final_link',
      'data_training_set_url',
      'data_max_params',
      'data_context_length',
    ]);
    expect(table.rows).toHaveLength(1);
    expect(table.rows[0]).toMatchObject({ id: 1, task_type: 'training', data_max_params: 9500000000 });
  });

  it('pd_parse of the first generation: unprefixed and turned over', async () => {
    const { client } = await startBench();
    const task = (await client.tasks.get(1)) as unknown as JsonObject;
    const table = transpose(flatten(task, { stripPrefix: 'data_' }));
    expect(table.rows.map((row) => row['field'])).toEqual([
      ...FIRST_COLUMNS,
      'final_link',
      'training_set_url',
      'max_params',
      'context_length',
    ]);
    expect(table.rows.find((row) => row['field'] === 'duration_in_seconds')?.['0']).toBe(2160000);
  });

  it('pd_parse: the notebook example of flocky.core', () => {
    const sub = { sub: 'Hey', sub2: 'You' };
    const table = flatten({ 'Feature 1': sub, 'Feature 2': sub });
    expect(table.columns).toEqual(['Feature 1_sub', 'Feature 1_sub2', 'Feature 2_sub', 'Feature 2_sub2']);
    expect(table.rows[0]?.['Feature 1_sub2']).toBe('You');
  });

  it('list_open_tasks / open_tasks: first tasks 6 and 7, on 2025-04-10 task 7 alone', async () => {
    const { client, ledger } = await startBench();
    expect((await client.tasks.open()).map((task) => [task.id, task.title])).toEqual([
      [6, 'AI Producer: SEEK48'],
      [7, 'FLock x OneKey: Advancing AI-Driven Smart Contract Security'],
    ]);
    for (const task of ledger.tasks) if (task.id === 6) task.status = 'finalized';
    const open = await client.tasks.open();
    const table = flatten(rows(open));
    expect(table.columns).toEqual([
      ...FIRST_COLUMNS,
      'data_recommended_vram',
      'data_dataset_s3_key',
      'data_max_params',
      'data_context_length',
      'data_training_set_key',
      'data_validation_set_key',
      'data_final_validation_set_key',
    ]);
    expect(table.rows).toHaveLength(1);
    expect(table.rows[0]).toMatchObject({
      id: 7,
      status: 'submission_phase',
      duration_in_seconds: 2419200,
      initialized_at: '2025-03-26T16:22:01.791348',
      data_recommended_vram: '48GB',
      data_dataset_s3_key: 'onekey-security/combined.jsonl',
      data_max_params: 15000000000,
      data_context_length: 8192,
      data_training_set_key: '7/training_set.jsonl',
      data_validation_set_key: '7/validation_set.jsonl',
      data_final_validation_set_key: '7/final_validation_set.jsonl',
    });
  });

  it('list_finalized_tasks / finalized_tasks: order of the service, vram column last, missing stays missing', async () => {
    const { client } = await startBench();
    const finalized = await client.tasks.finalized();
    expect(finalized.map((task) => task.id)).toEqual([99999, 1, 2, 4, 3, 5]);
    const table = flatten(rows(finalized), { stripPrefix: 'data_' });
    expect(table.columns).toEqual([
      ...FIRST_COLUMNS,
      'dataset_s3_key',
      'max_params',
      'context_length',
      'training_set_key',
      'validation_set_key',
      'final_validation_set_key',
      'recommended_vram',
    ]);
    expect(table.rows[0]?.['recommended_vram']).toBeUndefined();
    expect(table.rows[0]).toMatchObject({ max_params: 3000000000, context_length: 1024 });
    expect(table.rows[5]).toMatchObject({ id: 5, recommended_vram: '24GB', max_params: 8000000000 });
  });

  it('get_subs / parse_subs / get_sub_df: two fresh submissions, null scores, newest first', async () => {
    const { client, ledger } = await startBench();
    for (const [name, at] of [
      ['a', '2025-03-28T12:45:21.402671'],
      ['b', '2025-04-10T13:05:58.502101'],
    ] as const) {
      ledger.addSubmission(7, { hg_repo_id: `clepelaars/task-7-Qwen-${name}` }, { submitted_at: at });
    }
    const page = await client.submissions.mine(7);
    expect(page).toMatchObject({ total: 2, page: 1, size: 50, pages: 1 });
    expect(page.items.map((row) => row.submitted_at)).toEqual([
      '2025-04-10T13:05:58.502101',
      '2025-03-28T12:45:21.402671',
    ]);
    const best = await client.submissions.bestFor(7);
    expect(best.map((row) => Object.keys(row))).toEqual([[...SUBMISSION_COLUMNS], [...SUBMISSION_COLUMNS]]);
    expect(best.map((row) => [row.submission_phase_score, row.final_validation_score])).toEqual([
      [null, null],
      [null, null],
    ]);
    expect(bestSubmissions(page.items)).toEqual(best);
  });

  it('sub_stats: the last three days', async () => {
    const { client } = await startBench();
    const days = await client.stats.daily('submission');
    expect(days).toHaveLength(103);
    expect(days.slice(100)).toEqual([
      { time: '2025-04-08', count: 28 },
      { time: '2025-04-09', count: 39 },
      { time: '2025-04-10', count: 35 },
    ]);
  });

  it('val_stats: the last three days', async () => {
    const { client } = await startBench();
    expect((await client.stats.daily('validation')).slice(100)).toEqual([
      { time: '2025-04-08', count: 1874 },
      { time: '2025-04-09', count: 2521 },
      { time: '2025-04-10', count: 2306 },
    ]);
  });

  it('FlockWalletStats: prints address and base address', async () => {
    const { FlockClient } = await import('../../src/flock/client.js');
    const client = new FlockClient();
    expect(String(client.wallet(WALLET))).toBe(
      `FlockWalletStats(address='${WALLET}', base_url='https://fed-ledger-prod.flock.io/api/v1/stats/')`,
    );
    await client.close();
  });

  it('FlockWalletStats.subs: asks with a question mark, so that a wallet with submissions is found', async () => {
    const { client, ledger } = await startBench();
    const empty = await client.wallet(WALLET).submissions();
    expect(empty).toEqual({ items: [], total: 0, page: 1, size: 50, pages: 0 });
    ledger.wallets.set(WALLET, [{ task_id: 7, link: 'https://huggingface.co/a/b', rank: 3 }]);
    expect((await client.wallet(WALLET).submissions()).items).toEqual([
      { task_id: 7, link: 'https://huggingface.co/a/b', rank: 3 },
    ]);
    expect(ledger.requests.at(-1)?.path).toBe(`/api/v1/stats/submissions/${WALLET}`);
    expect(await collect(client.wallet(WALLET).allSubmissions())).toHaveLength(1);
    for (const [options, word] of [
      [{ page: 0 }, 'page'],
      [{ size: 0 }, 'size'],
      [{ size: 101 }, 'size'],
    ] as const) {
      const error = await failure(client.wallet(WALLET).submissions(options));
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(error.message).toContain(word);
    }
  });

  it('FlockWalletStats.achievements: five columns, zero in both roles', async () => {
    const { client } = await startBench();
    for (const role of ['validator', 'node'] as const) {
      const medals = await client.wallet(WALLET).achievements(role);
      const table = flatten(medals);
      expect(table.columns).toEqual(['gold_medals', 'silver_medals', 'bronze_medals', 'total_participations', 'tasks']);
      expect(table.rows[0]).toEqual({
        gold_medals: 0,
        silver_medals: 0,
        bronze_medals: 0,
        total_participations: 0,
        tasks: [],
      });
    }
    expect(await failure(client.wallet(WALLET).achievements('miner' as 'node'))).toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('FlockWalletStats.enrolled: under one stats segment, in any wrapping', async () => {
    const { client, ledger } = await startBench();
    expect(await client.wallet(WALLET).enrolled()).toMatchObject([{ id: 7 }]);
    expect(ledger.requests.at(-1)?.path).toBe(`/api/v1/stats/enrolled-tasks/${WALLET}`);
    for (const wrapping of [{ items: [{ id: 1 }] }, { tasks: [{ id: 1 }] }, { data: [{ id: 1 }] }]) {
      ledger.overrides.set(`stats/enrolled-tasks/${WALLET}`, wrapping);
      expect(await client.wallet(WALLET).enrolled()).toEqual([{ id: 1 }]);
    }
  });

  it('check_flock: true for a service that answers, false otherwise', async () => {
    const { client, ledger, clientWith } = await startBench();
    expect(await client.health()).toMatchObject({ ok: true, status: 'ok' });
    ledger.overrides.set('health', { status: 'degraded' });
    expect(await client.health()).toMatchObject({ ok: false, status: 'degraded' });
    ledger.fail({ match: /health/, status: 200, body: 'alive' });
    expect((await client.health()).ok).toBe(true);
    ledger.fail({ match: /health/, status: 503 });
    const down = await client.health();
    expect(down.ok).toBe(false);
    expect(down.error).toMatchObject({ reason: 'FLOCK_SERVER' });
    expect((await clientWith({ baseUrl: 'http://127.0.0.1:9' }).health()).ok).toBe(false);
  });

  it('submit_task: one slash, the four fields, the key, the reply', async () => {
    const { client, ledger } = await startBench();
    const revision = 'a'.repeat(40);
    const outcome = await client.submissions.submit({
      taskId: 7,
      repo: 'clepelaars/task-7-Qwen',
      baseModel: 'Qwen/Qwen1.5-7B',
      gpuType: 'NVIDIA A100-SXM4-80GB',
      revision,
    });
    const sent = ledger.seen(/^POST /)[0];
    expect(sent?.path).toBe('/api/v1/tasks/submit-result');
    expect(sent?.headers['flock-api-key']).toBe(ledger.apiKey);
    expect(sent?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(sent?.body.toString() ?? '')).toEqual({
      task_id: 7,
      data: {
        hg_repo_id: 'clepelaars/task-7-Qwen',
        base_model: 'Qwen/Qwen1.5-7B',
        gpu_type: 'NVIDIA A100-SXM4-80GB',
        revision,
      },
    });
    expect(outcome).toMatchObject({ reconciled: false, reply: { task_id: 7, id: 1 } });
  });

  it('BASE_URL', async () => {
    const { DEFAULT_BASE_URL } = await import('../../src/flock/base-url.js');
    expect(DEFAULT_BASE_URL).toBe('https://fed-ledger-prod.flock.io/api/v1/');
  });
});
