import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { type CallToolResult, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type DemoArena, startDemoArena } from '../../src/devnet/flock/demo-arena.js';
import { CLIENT_KEY, startWorld, type World } from '../aitbc/worlds.js';
import { type MiningNetwork, startMiningNetwork } from '../miner/network.js';

const quarry = new URL('../../bin/quarry.js', import.meta.url).pathname;
const TOKEN = 'a-token-of-the-test';
const PLANTED = 'planted-secret-of-the-hub';

let network: MiningNetwork;
let arena: DemoArena;
let coordinator: World;
let home: string;
let environment: Record<string, string>;
const open: Client[] = [];

beforeAll(async () => {
  // Everything hits, so that one short text is enough.
  network = await startMiningNetwork({ initialDistanceThreshold: 2 });
  arena = await startDemoArena();
  coordinator = await startWorld('documented');
  home = await mkdtemp(join(tmpdir(), 'quarry-mcp-'));
  environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    QUARRY_NETWORK: network.devnet.rpcUrl,
    QUARRY_STATE_DIR: join(home, 'state'),
    QUARRY_DATA: 'synthetic:200?seed=1',
    QUARRY_DATA_PORT: '0',
    QUARRY_ENGINE: 'js',
    QUARRY_API_TOKEN: TOKEN,
    ...arena.env,
    AITBC_BASE_URL: coordinator.server.url,
    AITBC_API_KEY: CLIENT_KEY,
    HF_TOKEN: PLANTED,
    SOMA_SECRET_KEY: network.signer.exportSecret('hex'),
  };
});
afterEach(async () => {
  for (const client of open.splice(0)) await client.close();
});
afterAll(async () => {
  await network.close();
  await arena.close();
  await coordinator.close();
  await rm(home, { recursive: true, force: true });
});

/** An agent's program; where it can ask its user, `answer` is what the user says. */
async function connect(transport: Transport, answer?: boolean): Promise<Client & { readonly asked: string[] }> {
  const capabilities = answer === undefined ? {} : { elicitation: {} };
  const client = new Client({ name: 'test', version: '1' }, { capabilities });
  const asked: string[] = [];
  if (answer !== undefined) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      asked.push(params.message);
      return { action: 'accept', content: { confirm: answer } };
    });
  }
  await client.connect(transport);
  open.push(client);
  return Object.assign(client, { asked });
}

const overStdio = (answer?: boolean, ...flags: string[]) => withSettings({}, answer, ...flags);

const withSettings = (settings: Readonly<Record<string, string>>, answer?: boolean, ...flags: string[]) =>
  connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [quarry, 'mcp', ...flags],
      env: { ...environment, ...settings },
      cwd: home,
    }),
    answer,
  );

async function call(client: Client, name: string, args: Record<string, unknown> = {}): Promise<CallToolResult> {
  return (await client.callTool({ name, arguments: args })) as CallToolResult;
}

/** What a tool gave; fails with its error. */
async function result(client: Client, name: string, args: Record<string, unknown> = {}) {
  const { isError, structuredContent, content } = await call(client, name, args);
  if (isError) throw new Error(`${name}: ${JSON.stringify(content)}`);
  // biome-ignore lint/suspicious/noExplicitAny: tests look into shapes freely
  return structuredContent as any;
}

async function firstTarget(client: Client): Promise<string> {
  const open = async () => (await result(client, 'targets_list', { limit: 1 })).targets[0]?.id;
  const id = await open();
  if (id !== undefined) return id;
  // The miner of another test filled them all.
  await network.devnet.advanceEpoch();
  return open();
}

describe('over stdio', () => {
  it('offers typed tools and documents to read', async () => {
    const client = await overStdio();
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).sort()).toMatchInlineSnapshot(`
      [
        "aitbc_job",
        "aitbc_jobs",
        "claim",
        "doctor",
        "flock_task",
        "flock_tasks",
        "history",
        "miner_pause",
        "miner_resume",
        "miner_start",
        "miner_status",
        "miner_stop",
        "miner_wait",
        "model_explain",
        "models_list",
        "profit_estimate",
        "reach_estimate",
        "submit",
        "target_explain",
        "targets_list",
        "text_score",
        "why",
      ]
    `);
    for (const { inputSchema, outputSchema, description } of tools) {
      expect([inputSchema.type, outputSchema?.type, typeof description]).toEqual(['object', 'object', 'string']);
    }
    const { resources } = await client.listResources();
    expect(resources.map(({ uri }) => uri)).toContain('quarry://docs/mining');
    const { contents } = await client.readResource({ uri: 'quarry://status' });
    expect(contents[0]).toMatchObject({ text: '{"state":"not started","accepted":0}' });
    const [doc] = (await client.readResource({ uri: 'quarry://docs/glossary' })).contents;
    expect(doc && 'text' in doc && doc.text).toContain('target');
  });

  it('lists and explains targets and models', async () => {
    const client = await overStdio();
    const targetId = await firstTarget(client);
    expect(await result(client, 'doctor')).toMatchObject({ machine: expect.any(Object), scoring: expect.any(Array) });
    const target = await result(client, 'target_explain', { targetId });
    expect(target).toMatchObject({ id: targetId, status: 'open' });
    expect(target).not.toHaveProperty('embedding');
    const { models } = await result(client, 'models_list', { state: 'active' });
    expect(models).toHaveLength(3);
    expect(await result(client, 'model_explain', { modelId: models[0].modelId })).toMatchObject({ found: true });
  });

  it('asks the user before a bond above the limit, and submits only once confirmed', async () => {
    const refusing = await overStdio(false);
    const targetId = await firstTarget(refusing);
    const sample = { text: 'what an agent wrote', targetId };
    expect(await result(refusing, 'text_score', sample)).toMatchObject({ outcome: 'hit' });
    const refused = await call(refusing, 'submit', sample);
    expect(refused.isError && refused.content[0]).toMatchObject({ text: expect.stringContaining('declined') });
    expect(refusing.asked).toHaveLength(1);

    const mute = await overStdio(undefined);
    const unconfirmed = await call(mute, 'submit', sample);
    const { text: told } = unconfirmed.content[0] as { text: string };
    expect(told).toContain('FAILED_PRECONDITION');
    const confirmBondShannons = /confirmBondShannons "(\d+)"/.exec(told)?.[1];
    const done = await result(mute, 'submit', { ...sample, confirmBondShannons });
    expect(done).toMatchObject({ outcome: 'accepted', digest: expect.any(String) });
    expect((await result(mute, 'history')).rows[0]).toMatchObject({ accepted: 1 });
    expect((await result(mute, 'why', { id: targetId })).submissions[0]).toMatchObject({ outcome: 'accepted' });
    expect(await result(mute, 'profit_estimate')).toMatchObject({ accepted: 1 });
    expect(await result(mute, 'claim')).toMatchObject({ claimed: 0 });

    const free = await overStdio(false, '--confirm-above', '1');
    await result(free, 'submit', { ...sample, targetId: await firstTarget(free), text: 'another text' });
    expect(free.asked).toHaveLength(0);
  });

  it("locks no bond above what the user's settings allow, whatever is agreed to", async () => {
    const client = await withSettings({ QUARRY_MAX_BOND_SOMA: '0.00000001' }, true, '--confirm-above', '1');
    const sample = { text: 'more than a byte', targetId: await firstTarget(client) };
    const { bondShannons } = await result(client, 'text_score', sample);
    expect(BigInt(bondShannons)).toBeGreaterThan(10n);
    const refusals = [
      await call(client, 'submit', { ...sample, confirmBondShannons: bondShannons }),
      await call(client, 'miner_start', { maxBondShannons: '11', confirmBondShannons: '11' }),
    ];
    for (const { isError, content } of refusals) {
      expect(isError && content[0]).toMatchObject({ text: expect.stringMatching(/^PERMISSION_DENIED: .*the 10 that/) });
    }
    expect(client.asked).toEqual([]);
  });

  it('starts, pauses, resumes, watches and stops a miner', async () => {
    const client = await overStdio(true);
    const started = await result(client, 'miner_start', { maxBondShannons: '100000000' });
    expect(started.state).toBe('running');
    expect(client.asked[0]).toContain('100000000');
    const again = await call(client, 'miner_start', {});
    expect(again.content[0]).toMatchObject({ text: expect.stringContaining('ALREADY_EXISTS') });
    const messages: string[] = [];
    const waited = await client.callTool({ name: 'miner_wait', arguments: { accepted: 1 } }, undefined, {
      onprogress: ({ message }) => messages.push(message ?? ''),
      timeout: 120_000,
    });
    expect(waited.structuredContent).toMatchObject({ accepted: expect.any(Number) });
    expect(messages.join()).toContain('accepted');
    expect((await result(client, 'miner_pause')).status.run.paused).toBe(true);
    expect((await result(client, 'miner_resume')).status.run.paused).toBe(false);
    expect(await result(client, 'reach_estimate', { targets: 5 })).toMatchObject({ rows: expect.any(Array) });
    const cancelled = new AbortController();
    const waiting = client.callTool({ name: 'miner_wait', arguments: { accepted: 1_000_000 } }, undefined, {
      signal: cancelled.signal,
      onprogress: () => cancelled.abort('enough'),
    });
    cancelled.abort('enough');
    await expect(waiting).rejects.toThrow('enough');
    expect(await result(client, 'miner_stop')).toMatchObject({ state: 'ended', summary: { event: 'summary' } });
  });

  it('mines no files that the user did not name', async () => {
    const client = await overStdio(true);
    for (const data of ['/etc', 'hf:owner/name?url=http://10.0.0.1/{id}', 'hf:owner/name%2f..']) {
      const refused = await call(client, 'miner_start', { data: [data] });
      expect(refused.content[0]).toMatchObject({ text: expect.stringContaining('PERMISSION_DENIED') });
    }
    const injected = await call(client, 'target_explain', { targetId: '--config=/etc/passwd' });
    expect(injected.isError).toBe(true);
  });

  it('never reveals a secret', async () => {
    const client = await overStdio(true);
    // The hub's token is what the error would repeat.
    const failed = await call(client, 'miner_start', { data: [PLANTED] });
    expect(JSON.stringify(failed)).toContain('[redacted]');
    expect(JSON.stringify(failed)).not.toContain(PLANTED);
    const models = await result(client, 'models_list');
    expect(JSON.stringify(models)).not.toContain('decryptionKey');
  });
});

describe('the other networks', () => {
  it('are read with the same server, without the signatures of links', async () => {
    const client = await overStdio();
    const { tasks } = await result(client, 'flock_tasks', { status: 'all' });
    const task = await result(client, 'flock_task', { taskId: tasks[0].id });
    expect(task.id).toBe(tasks[0].id);
    const told = JSON.stringify([tasks, task]);
    expect(told).toContain('X-Amz-Signature=[redacted]');
    expect(told).not.toMatch(/X-Amz-Signature=[0-9a-f]/);
    expect(await result(client, 'aitbc_jobs')).toMatchObject({ jobs: [] });
    const unknown = await call(client, 'aitbc_job', { jobId: 'job_1' });
    expect(unknown.content[0]).toMatchObject({ text: expect.stringContaining('NOT_FOUND') });
  });
});

describe('over HTTP', () => {
  it('serves those with the token, on loopback, and ends with the process', async () => {
    const server = spawn(process.execPath, [quarry, 'mcp', '--http', '0'], { env: environment, cwd: home });
    try {
      let talk = '';
      while (!talk.includes('/mcp')) talk += String((await once(server.stderr, 'data'))[0]);
      const url = new URL(/http:\S+\/mcp/.exec(talk)?.[0] ?? '');
      expect(talk).not.toContain(TOKEN);
      expect((await fetch(url, { method: 'POST' })).status).toBe(401);
      const headers = { authorization: `Bearer ${TOKEN}` };
      expect((await fetch(url, { method: 'POST', headers: { ...headers, origin: 'http://evil' } })).status).toBe(403);
      const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers } });
      const client = await connect(transport as Transport, false);
      const targetId = await firstTarget(client);
      expect(await result(client, 'text_score', { text: 'over http', targetId })).toMatchObject({ outcome: 'hit' });
      const refused = await call(client, 'submit', { text: 'over http', targetId });
      expect(refused.content[0]).toMatchObject({ text: expect.stringContaining('declined') });
      await client.close();
    } finally {
      server.kill('SIGTERM');
      const [code] = await once(server, 'exit');
      expect(code).toBe(0);
    }
  });
});
