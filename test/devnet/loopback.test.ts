import { afterEach, describe, expect, it } from 'vitest';
import { HubServer } from '../../src/devnet/flock/hub-server.js';
import { DocumentedServer } from '../../src/devnet/index.js';
import { LoopbackServer, sendJson } from '../../src/devnet/loopback/server.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

describe('the server the demonstration networks stand on', () => {
  it('merges slashes as web servers do, and refuses a body over its limit', async () => {
    const server = new LoopbackServer(
      async ({ path, query }, response) => sendJson(response, 200, { path, q: query.get('q') }),
      {
        maxBodyBytes: 10,
      },
    );
    await server.listen();
    closers.push(() => server.close());
    const answer = await fetch(`${server.url}//a///b?q=x//y`);
    expect(await answer.json()).toEqual({ path: '/a/b', q: 'x//y' });
    expect((await fetch(server.url, { method: 'POST', body: 'x'.repeat(11) })).status).toBe(413);
  });

  it('answers a handler that fails with JSON and goes on serving', async () => {
    let calls = 0;
    const server = new LoopbackServer(async (_, response) => {
      if (++calls === 1) throw new Error('a secret detail');
      sendJson(response, 200, {});
    });
    await server.listen();
    closers.push(() => server.close());
    const failed = await fetch(server.url);
    expect(failed.status).toBe(500);
    expect(await failed.text()).toBe('{"detail":"internal error"}');
    expect((await fetch(server.url)).status).toBe(200);
  });
});

describe('the demonstration Hub', () => {
  it('answers that it has no chunk store, however it is asked', async () => {
    const hub = await new HubServer().listen();
    closers.push(() => hub.close());
    hub.createRepo('demo-miner/x');
    const answer = await fetch(`${hub.url}//api/models/demo-miner/x/xet-write-token/main`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual({ error: 'Xet is not enabled for this repository' });
  });

  it.each([
    ['hf_hub/0.36.0', 'lfs'],
    ['hf_hub/1.4.2', 'lfs'],
    ['unknown/None; hf_hub/2.4.0; python/3.11.7', 'regular'],
  ])('takes weights from %s as %s: later clients have no other way than the chunk store', async (agent, mode) => {
    const hub = await new HubServer().listen();
    closers.push(() => hub.close());
    hub.createRepo('demo-miner/x');
    const answer = await fetch(`${hub.url}/api/models/demo-miner/x/preupload/main`, {
      method: 'POST',
      headers: { authorization: `Bearer ${hub.token}`, 'user-agent': agent },
      body: JSON.stringify({ files: [{ path: 'model.safetensors', size: 5 }] }),
    });
    expect(((await answer.json()) as { files: { uploadMode: string }[] }).files[0]?.uploadMode).toBe(mode);
  });
});

describe('the documented coordinator', () => {
  const KEY = 'client-key';
  const start = async (more: Partial<Parameters<typeof DocumentedServer.start>[0]>) => {
    const server = await DocumentedServer.start({
      clientKeys: [KEY],
      minerKeys: [],
      signerSeed: new Uint8Array(32),
      attesterSeed: new Uint8Array(32),
      ...more,
    });
    closers.push(() => server.close());
    return async (method: string, path: string, body?: unknown) => {
      const answer = await fetch(`${server.url}${path}`, {
        method,
        headers: { 'x-api-key': KEY },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const json = (await answer.json()) as Record<string, string> & { error?: { code: string } };
      return { status: answer.status, code: json.error?.code, json, wait: answer.headers.get('retry-after') };
    };
  };

  it('produces every error of the page that needs a cause', async () => {
    const ask = await start({ jobTypes: ['known'], rateLimited: 1, failing: 1 });
    expect(await ask('GET', '/v1/jobs')).toMatchObject({ status: 429, code: 'RATE_LIMIT_EXCEEDED', wait: '1' });
    expect(await ask('GET', '/v1/jobs')).toMatchObject({ status: 500, code: 'INTERNAL_ERROR' });
    const job = { name: 'n', type: 'other' };
    expect(await ask('POST', '/v1/jobs', job)).toMatchObject({ status: 400, code: 'INVALID_JOB_TYPE' });
    expect(await ask('POST', '/v1/jobs', { ...job, type: 'known' })).toMatchObject({ status: 201 });
  });

  it('refuses an offer that was accepted for the job already, and one that is used up', async () => {
    const ask = await start({});
    const [first, second, third] = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => (await ask('POST', '/v1/jobs', { name, type: 't' })).json['job_id']),
    );
    const offer = { job_type: 't', price: '0.1', max_jobs: 2 };
    const { offer_id: id } = (await ask('POST', '/v1/marketplace/offers', offer)).json;
    const accept = (job: string | undefined) =>
      ask('POST', `/v1/marketplace/offers/${id}/accept`, { job_id: job, bid_price: '0.1' });
    expect(await accept(first)).toMatchObject({ status: 201 });
    expect(await accept(first)).toMatchObject({ status: 410, code: 'OFFER_NOT_AVAILABLE' });
    expect(await accept(second)).toMatchObject({ status: 201 });
    expect(await accept(third)).toMatchObject({ status: 410, code: 'OFFER_NOT_AVAILABLE' });
  });
});
