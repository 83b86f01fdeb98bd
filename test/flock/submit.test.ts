import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HubServer } from '../../src/devnet/flock/hub-server.js';
import { templateKeyFor } from '../../src/flock/base-models.js';
import { gpuInfo, gpuTypeForSubmission, listGpus } from '../../src/flock/gpu.js';
import { HubApi } from '../../src/flock/hub/hub-api.js';
import { preflight } from '../../src/flock/preflight.js';
import { submitChecked } from '../../src/flock/publish.js';
import { SubmissionLedger } from '../../src/flock/submission-ledger.js';
import { type Bench, failure, onEnd, startBench, tempDir } from './bench.js';

const REPO = 'alice/task-7-model';
const revision = 'a'.repeat(40);
const body = { taskId: 7, repo: REPO, revision, baseModel: 'qwen1.5', gpuType: 'A100' } as const;

describe('submitting', () => {
  for (const linksWithRevision of [false, true]) {
    for (const mode of ['lose-reply', 'reset'] as const) {
      it(`reply lost (${mode}, links ${linksWithRevision ? 'with' : 'without'} revision): one row in the end`, async () => {
        const { client, ledger } = await startBench();
        ledger.linksWithRevision = linksWithRevision;
        // An older submission of the same repository must not be taken for this one.
        ledger.addSubmission(7, { hg_repo_id: REPO, revision: 'b'.repeat(40) });
        ledger.fail({ match: /submit-result/, mode });
        const outcome = await client.submissions.submit(body);
        expect(ledger.submissions).toHaveLength(2);
        expect(outcome.reconciled).toBe(mode === 'lose-reply');
        expect(outcome.attempts).toBe(mode === 'lose-reply' ? 1 : 2);
      });
    }
  }

  it('gateway failure before the row was stored: tried once more', async () => {
    const { client, ledger } = await startBench();
    ledger.fail({ match: /submit-result/, status: 502, body: '<html>' });
    expect(await client.submissions.submit(body)).toMatchObject({ reconciled: false, attempts: 2 });
    expect(ledger.submissions).toHaveLength(1);
  });

  it('lost twice with nothing listed: outcome unknown, no third attempt', async () => {
    const { client, ledger } = await startBench();
    ledger.fail({ match: /submit-result/, mode: 'reset', times: 9 });
    expect(await failure(client.submissions.submit(body))).toMatchObject({
      reason: 'FLOCK_OUTCOME_UNKNOWN',
      code: 'OUTCOME_UNKNOWN',
    });
    expect(ledger.seen(/submit-result/)).toHaveLength(2);
  });

  it('idempotency none: an ambiguous failure is reported at once', async () => {
    const { client, ledger } = await startBench();
    ledger.fail({ match: /submit-result/, mode: 'lose-reply' });
    expect(await failure(client.submissions.submit({ ...body, idempotency: 'none' }))).toMatchObject({
      reason: 'FLOCK_NETWORK',
    });
    expect(ledger.seen(/submit-result/)).toHaveLength(1);
  });

  it('a refusal is not repeated; its text is kept', async () => {
    const { client, ledger } = await startBench();
    ledger.fail({ match: /submit-result/, status: 400, body: '{"detail":"Daily limit"}' });
    expect(await failure(client.submissions.submit(body))).toMatchObject({
      reason: 'FLOCK_BAD_REQUEST',
      detail: 'Daily limit',
    });
    expect(ledger.seen(/submit-result/)).toHaveLength(1);
  });

  it('a branch, a bare repository or a bad id never leaves', async () => {
    const { client, ledger } = await startBench();
    for (const bad of [{ revision: 'main' }, { repo: 'bare' }, { taskId: 'x' }]) {
      expect(await failure(client.submissions.submit({ ...body, ...bad }))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    expect(ledger.requests).toEqual([]);
  });

  it('reinforcement-learning body: file name, no base model, no GPU', async () => {
    const { client, ledger } = await startBench();
    await client.submissions.submit({
      taskId: '7',
      repo: REPO,
      revision,
      modelFilename: 'model.onnx',
      extra: { foo: 1 },
    });
    expect(ledger.submissions[0]?.data).toEqual({ hg_repo_id: REPO, model_filename: 'model.onnx', revision, foo: 1 });
  });
});

function safetensors(shape: readonly number[]): Buffer {
  const header = Buffer.from(
    JSON.stringify({ __metadata__: { format: 'pt' }, w: { dtype: 'F16', shape, data_offsets: [0, 0] } }),
  );
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([size, header]);
}

async function withHub(): Promise<Bench & { hub: HubServer; api: HubApi }> {
  const bench = await startBench();
  const hub = await new HubServer().listen();
  onEnd(() => hub.close());
  const api = new HubApi({ hubUrl: hub.url });
  onEnd(() => api.close());
  return { ...bench, hub, api };
}

const results = (report: Awaited<ReturnType<typeof preflight>>): Record<string, string> =>
  Object.fromEntries(report.checks.map((check) => [check.name, check.result]));

const LORA = {
  'adapter_config.json': '{"base_model_name_or_path":"Qwen/Qwen2.5-7B"}',
  'adapter_model.safetensors': safetensors([8, 8]),
};

describe('preflight', () => {
  it('everything in order', async () => {
    const { client, hub, api } = await withHub();
    const { oid } = hub.push(REPO, LORA);
    hub.modelParams.set('Qwen/Qwen2.5-7B', 7_615_616_512);
    const report = await preflight({ taskId: 7, repo: REPO, baseModel: 'qwen1.5' }, { client, hub: api });
    expect(report).toMatchObject({ ok: true, revision: oid });
    expect(results(report)).toEqual({
      task: 'ok',
      deadline: 'ok',
      key: 'ok',
      repository: 'ok',
      revision: 'ok',
      weights: 'ok',
      'base model': 'ok',
      template: 'ok',
      parameters: 'ok',
      duplicate: 'ok',
    });
  });

  it('task closed, over, missing; little time left', async () => {
    const { client, hub, api, clock } = await withHub();
    hub.push(REPO, LORA);
    const check = async (taskId: number) => results(await preflight({ taskId, repo: REPO }, { client, hub: api }));
    expect(await check(1)).toMatchObject({ task: 'fail' });
    expect(await check(404)).toMatchObject({ task: 'fail' });
    clock.at = Date.UTC(2025, 3, 23, 23, 55);
    expect(await check(7)).toMatchObject({ task: 'ok', deadline: 'warn' });
    clock.at = Date.UTC(2025, 3, 24);
    expect(await check(7)).toMatchObject({ deadline: 'fail' });
  });

  it('repository missing, private, gated; revision unknown; weights missing', async () => {
    const { client, hub, api } = await withHub();
    const check = async (options: { revision?: string; modelFilename?: string } = {}) =>
      results(await preflight({ taskId: 7, repo: REPO, ...options }, { client, hub: api }));
    expect(await check()).toMatchObject({ repository: 'fail' });
    const repo = hub.createRepo(REPO);
    expect(await check()).toMatchObject({ repository: 'ok', weights: 'fail' });
    expect(await check({ revision })).toMatchObject({ revision: 'fail' });
    expect(await check({ modelFilename: 'model.onnx' })).toMatchObject({ weights: 'fail' });
    hub.push(REPO, { 'model.onnx': 'x' });
    expect(await check({ modelFilename: 'model.onnx' })).toMatchObject({ weights: 'ok' });
    repo.gated = 'manual';
    expect(await check()).toMatchObject({ repository: 'fail' });
    repo.private = true;
    expect(await check()).toMatchObject({ repository: 'fail' });
  });

  it('too many parameters: of the model by its headers, of an adapter by its base', async () => {
    const { client, hub, api } = await withHub();
    const check = async () => results(await preflight({ taskId: 7, repo: REPO }, { client, hub: api }));
    hub.push(REPO, { 'a.safetensors': safetensors([100_000, 100_000]), 'b.safetensors': safetensors([1]) });
    expect((await check())['parameters']).toBe('ok');
    hub.push(REPO, { 'b.safetensors': safetensors([51_000, 100_000]) });
    expect((await check())['parameters']).toBe('fail');
    hub.push(REPO, { 'b.safetensors': 'broken' });
    expect((await check())['parameters']).toBe('warn');
    hub.modelParams.set('some/giant', 70e9);
    hub.push(REPO, { ...LORA, 'adapter_config.json': '{"base_model_name_or_path":"some/giant"}' });
    expect(await check()).toMatchObject({ parameters: 'fail', 'base model': 'warn' });
  });

  it('submitted before: fails at the same revision, warns when the service does not tell it', async () => {
    const { client, hub, api, ledger } = await withHub();
    const { oid } = hub.push(REPO, LORA);
    const check = async () => results(await preflight({ taskId: 7, repo: REPO }, { client, hub: api }))['duplicate'];
    ledger.linksWithRevision = true;
    ledger.addSubmission(7, { hg_repo_id: REPO, revision: 'b'.repeat(40) });
    expect(await check()).toBe('ok');
    ledger.addSubmission(7, { hg_repo_id: REPO, revision: oid });
    expect(await check()).toBe('fail');
    ledger.submissions.length = 0;
    ledger.linksWithRevision = false;
    ledger.addSubmission(7, { hg_repo_id: REPO });
    expect(await check()).toBe('warn');
  });

  it('wrong key fails the check; a missing one stops before any request', async () => {
    const { clientWith, hub, api, ledger } = await withHub();
    hub.push(REPO, LORA);
    expect(
      results(await preflight({ taskId: 7, repo: REPO }, { client: clientWith({ apiKey: 'nope' }), hub: api }))['key'],
    ).toBe('fail');
    ledger.requests.length = 0;
    hub.requests.length = 0;
    expect(
      await failure(preflight({ taskId: 7, repo: REPO }, { client: clientWith({ apiKey: '' }), hub: api })),
    ).toMatchObject({ exitCode: 3 });
    expect([...ledger.requests, ...hub.requests]).toEqual([]);
  });

  it('submit after the deadline: refused here; forced, it is sent and shows what the service says', async () => {
    const { client, hub, clock, ledger } = await withHub();
    hub.push(REPO, LORA);
    clock.at = Date.UTC(2025, 3, 24);
    const options = { taskId: 7, repo: REPO, hubUrl: hub.url, gpuType: 'x' };
    expect(await failure(submitChecked(options, { client }))).toMatchObject({ reason: 'FLOCK_PREFLIGHT' });
    expect(ledger.seen(/submit-result/)).toHaveLength(0);
    const forced = await failure(submitChecked({ ...options, force: true }, { client }));
    expect(forced).toMatchObject({ reason: 'FLOCK_BAD_REQUEST', detail: 'Task is not in the submission phase' });
  });

  it('the third submission of a day is warned about; a branch is sent as its commit', async () => {
    const { client, hub, ledger } = await withHub();
    const book = new SubmissionLedger(join(await tempDir(), 'state', 'submissions.jsonl'));
    const options = { taskId: 7, repo: REPO, revision: 'main', hubUrl: hub.url };
    const limits = [];
    for (let i = 0; i < 3; i++) {
      const { oid } = hub.push(REPO, { ...LORA, 'n.txt': String(i) });
      const { report } = await submitChecked(options, { client, ledger: book });
      limits.push(report.checks.find((check) => check.name === 'daily limit')?.result);
      expect(ledger.submissions[0]?.data['revision']).toBe(oid);
    }
    expect(limits).toEqual(['ok', 'ok', 'warn']);
    expect(
      (await submitChecked({ ...options, confirm: () => false }, { client, ledger: book })).outcome,
    ).toBeUndefined();
    expect(ledger.submissions).toHaveLength(3);
  });

  it('template names by Hub id', () => {
    const pairs = {
      'Qwen/Qwen3.5-4B': 'qwen3.5',
      'Qwen/Qwen1.5-7B': 'qwen1.5',
      'Qwen/Qwen2.5-7B-Instruct': 'qwen1.5',
      '01-ai/Yi-1.5-6B': 'yi',
      'mistralai/Mixtral-8x7B': 'mixtral',
      'mistralai/Mistral-7B-v0.3': 'mistral',
      'google/gemma-7b': 'gemma',
      'meta-llama/Llama-2-7b': 'llama2',
      'meta-llama/Meta-Llama-3-8B': 'llama3',
      'microsoft/Phi-3-mini-4k-instruct': 'phi3',
      'microsoft/phi-4': 'phi4',
    };
    for (const [id, key] of Object.entries(pairs)) expect([id, templateKeyFor(id)]).toEqual([id, key]);
    expect(templateKeyFor('someone/else')).toBeUndefined();
  });
});

describe('get_gpu_info', () => {
  const smi = async (): Promise<string> => '0, NVIDIA A100-SXM4-80GB, 81920, 8.0\n1, Odd, Name, 24576, 8.9\n';
  const none = async (): Promise<string> => {
    throw new Error('ENOENT');
  };

  it('two GPUs, none, and the name to submit', async () => {
    expect(gpuInfo(await listGpus(smi))).toEqual({
      cuda_available: true,
      gpu_count: 2,
      gpu_0: { name: 'NVIDIA A100-SXM4-80GB', total_memory: 80, cuda_capability: '8.0' },
      gpu_1: { name: 'Odd, Name', total_memory: 24, cuda_capability: '8.9' },
    });
    expect(gpuInfo(await listGpus(none))).toEqual({ cuda_available: false, gpu_count: 0 });
    expect(await gpuTypeForSubmission(undefined, smi)).toBe('NVIDIA A100-SXM4-80GB');
    expect(await gpuTypeForSubmission('RTX 4090', none)).toBe('RTX 4090');
    expect(await failure(gpuTypeForSubmission(undefined, none))).toMatchObject({ exitCode: 3 });
  });
});
