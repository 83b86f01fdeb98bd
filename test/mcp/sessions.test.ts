import { once } from 'node:events';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { expect, it } from 'vitest';
import { type AgentHost, type CommandRun, MinerSession, serveMcpHttp } from '../../src/mcp/index.js';
import { ServingRun } from '../../src/mcp/serving-run.js';

const TOKEN = 'a-token-of-the-test';

/** Commands that answer with a record and go on until they are told to end, as those do that serve. */
class ServingCommands implements AgentHost {
  readonly version = '1.0.0';
  readonly documents = [];
  readonly data = [];
  readonly secrets = [];
  readonly confirmAboveShannons = 0n;
  readonly maxBondShannons = undefined;
  /** Command lines in the order in which they began and ended. */
  readonly log: string[] = [];

  async run(args: readonly string[], { signal, onRecord }: CommandRun): Promise<unknown[]> {
    this.log.push(`begin ${args.join(' ')}`);
    // What a command does before it answers takes a while.
    await new Promise(setImmediate);
    onRecord?.({ event: 'http', url: 'http://127.0.0.1:1' });
    if (!signal.aborted) await once(signal, 'abort');
    this.log.push(`end ${args.join(' ')}`);
    return [];
  }
}

it('starts one miner, however many ask at once, with an API of its own', async () => {
  const host = new ServingCommands();
  const miner = new MinerSession(host);
  const started = await Promise.allSettled([miner.start(['--dry-run']), miner.start([])]);
  expect(started).toMatchObject([{ status: 'fulfilled' }, { reason: { code: 'ALREADY_EXISTS' } }]);
  expect(host.log).toEqual(['begin mine --api-port=0 --api-host=127.0.0.1 --dry-run']);
  await miner.close();
  expect(host.log).toHaveLength(2);
});

it('lets submissions serve one at a time, and none beside the miner', async () => {
  const host = new ServingCommands();
  const serving = new ServingRun(host);
  const { signal } = new AbortController();
  await Promise.all([serving.start(['1'], { signal }), serving.start(['2'], { signal }), serving.end()]);
  expect(host.log).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']);
});

it('does not begin what was cancelled while it waited for its turn', async () => {
  const host = new ServingCommands();
  const serving = new ServingRun(host);
  const cancelled = new AbortController();
  const [, second] = await Promise.allSettled([
    serving.start(['1'], { signal: new AbortController().signal }).then(() => cancelled.abort()),
    serving.start(['2'], { signal: cancelled.signal }),
  ]);
  expect(second).toMatchObject({ reason: { code: 'ABORTED' } });
  await serving.end();
  expect(host.log).toEqual(['begin 1', 'end 1']);
});

it('makes room for another agent by ending the session used longest ago', async () => {
  const host = new ServingCommands();
  const miner = new MinerSession(host);
  const { url, close } = await serveMcpHttp({ port: 0, token: TOKEN }, host, miner);
  const clients: Client[] = [];
  const join = async (): Promise<Client> => {
    const requestInit = { headers: { authorization: `Bearer ${TOKEN}` } };
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }) as Transport);
    clients.push(client);
    return client;
  };
  try {
    const first = await join();
    const second = await join();
    while (clients.length < 32) await join();
    await first.ping();
    const last = await join();
    await expect(second.ping()).rejects.toThrow('no such session');
    await first.ping();
    await last.ping();
  } finally {
    for (const client of clients) await client.close();
    await close();
    await miner.close();
  }
});
