import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { HttpHost } from '../../src/hosting/index.js';
import { OpenTargets } from '../../src/miner/feed/open-targets.js';
import { Journal } from '../../src/miner/journal/journal.js';
import { HOSTING_GRACE_MS, type HostedSample, SampleHosting } from '../../src/miner/submit/sample-hosting.js';
import { openStore, type Store } from '../../src/store/index.js';

const never = new AbortController().signal;
let dir: string;
let store: Store;
let journal: Journal;
let host: HttpHost;
let book: OpenTargets;
let wallClock: number;
let hosting: SampleHosting;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-hosting-'));
  store = await openStore({ dir: join(dir, 'store'), embeddingDim: 4, durability: 'process' });
  journal = new Journal(join(dir, 'journal.db'), Date.now);
  host = await HttpHost.listen({ dir: join(dir, 'hosted'), port: 0 });
  book = new OpenTargets();
  wallClock = 1_000_000;
  hosting = new SampleHosting({ store, journal, host, book, wallClock: () => wallClock });
});
afterEach(async () => {
  await host.close();
  journal.close();
  await store.close();
  await rm(dir, { recursive: true });
});

/** Files on disk: the host serves from memory first and writes beside that. */
const hosted = async (): Promise<number> => (await readdir(join(dir, 'hosted'))).length;

async function publish(generationEpoch: bigint, text = 'a sample'): Promise<string> {
  const [sample] = await store.appendSamples([{ bytes: new TextEncoder().encode(text) }]);
  const target = { id: `0x${generationEpoch}`, status: 'open', generationEpoch, modelIds: [] };
  book.add(target as never, 0);
  const open = book.get(target.id)!;
  return hosting.host({ open, sampleId: sample!.id } as never, never, submitted);
}

/** Stands for a submission: journals the sample as one does. */
async function submitted({ url, record }: HostedSample): Promise<string> {
  await journal.together(record!);
  return url;
}

it('keeps data fetchable until its audit window is over, and for a grace after that', async () => {
  const url = await publish(5n);
  expect(await (await fetch(url)).text()).toBe('a sample');
  await hosting.release(6n, never);
  wallClock += 2 * HOSTING_GRACE_MS;
  await hosting.release(6n, never);
  await expect.poll(hosted).toBe(1);
  await hosting.release(7n, never);
  wallClock += HOSTING_GRACE_MS - 1;
  await hosting.release(7n, never);
  await expect.poll(hosted).toBe(1);
  wallClock += 1;
  await hosting.release(7n, never);
  await expect.poll(hosted).toBe(0);
  expect((await fetch(url)).status).toBe(404);
});

it('un-hosts nothing for an epoch that is taken back', async () => {
  for (const epoch of [5n, 6n, 7n, 8n]) await publish(epoch, `a sample of ${epoch}`);
  await hosting.release(1_000_000n, never);
  wallClock += HOSTING_GRACE_MS / 2;
  await hosting.release(8n, never);
  wallClock += HOSTING_GRACE_MS;
  await hosting.release(8n, never);
  // Those of 5 and 6 are over in 8 as well.
  await expect.poll(hosted).toBe(2);
});

it('keeps data that a later submission has taken up', async () => {
  await publish(5n);
  await hosting.release(9n, never);
  await publish(9n);
  wallClock += 2 * HOSTING_GRACE_MS;
  await hosting.release(9n, never);
  await expect.poll(hosted).toBe(1);
});

it('keeps data while its submission is made, and releases it in time when none comes of it', async () => {
  await publish(5n);
  await expect.poll(hosted).toBe(1);
  await hosting.release(9n, never);
  wallClock += 2 * HOSTING_GRACE_MS;
  const [open, sampleId] = [book.get('0x5')!, store.find(Buffer.from(journal.hostings.checksums()[0]!, 'hex'))];
  const failing = hosting.host({ open, sampleId } as never, never, async () => {
    await hosting.release(9n, never);
    expect(await hosted()).toBe(1);
    throw new Error('nothing was signed');
  });
  await expect(failing).rejects.toThrow('nothing was signed');
  expect(journal.hostings.checksums()).toHaveLength(1);
  await hosting.release(10n, never);
  wallClock += 2 * HOSTING_GRACE_MS;
  await hosting.release(10n, never);
  await expect.poll(hosted).toBe(0);
});

it('journals data whose submission was never signed, so that it is not hosted for ever', async () => {
  const [sample] = await store.appendSamples([{ bytes: new TextEncoder().encode('a sample') }]);
  book.add({ id: '0x1', status: 'open', generationEpoch: 5n, modelIds: [] } as never, 0);
  const candidate = { open: book.get('0x1'), sampleId: sample!.id } as never;
  const failing = hosting.host(candidate, never, () => Promise.reject(new Error('no coins')));
  await expect(failing).rejects.toThrow('no coins');
  expect(journal.hostings.checksums()).toHaveLength(1);
});

it('hosts what the journal names again after a restart, and leaves out what the store lost', async () => {
  const url = await publish(5n);
  journal.hostings.record('f'.repeat(64), 'http://127.0.0.1/lost', 5n);
  await host.close();
  await rm(join(dir, 'hosted'), { recursive: true });
  host = await HttpHost.listen({ dir: join(dir, 'hosted'), port: Number(new URL(url).port) });
  const again = new SampleHosting({ store, journal, host, book });
  await again.restore(async () => false, never);
  expect(await (await fetch(url)).text()).toBe('a sample');
});

it('remembers the addresses of what was hosted lately, and no more', async () => {
  const published: string[] = [];
  const counted = {
    ...{ name: host.name, publishFile: host.publishFile, remove: host.remove, close: host.close },
    publish: async (checksum: string) => {
      published.push(checksum);
      return `http://127.0.0.1/${checksum}`;
    },
  };
  hosting = new SampleHosting({ store, journal, host: counted, book });
  await store.appendSamples(Array.from({ length: 5_000 }, (_, n) => ({ bytes: new TextEncoder().encode(`${n}`) })));
  const target = { id: '0x1', status: 'open', generationEpoch: 0n, modelIds: [] };
  book.add(target as never, 0);
  const again = async (sampleId: number): Promise<number> => {
    await hosting.host({ open: book.get('0x1'), sampleId } as never, never, submitted);
    return published.length;
  };
  for (let id = 0; id < 5_000; id++) await again(id);
  expect([await again(4_999), await again(0)]).toEqual([5_000, 5_001]);
});
