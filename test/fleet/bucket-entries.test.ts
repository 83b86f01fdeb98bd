import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kvm } from '@nats-io/kv';
import type { Msg } from '@nats-io/transport-node';
import { expect, it } from 'vitest';
import { hasNatsServer, startNatsServer } from '../../bench/nats-server.js';
import { bucketEntries } from '../../src/fleet/bucket-entries.js';
import { openFleet } from '../../src/fleet/index.js';

it.skipIf(!hasNatsServer)(
  'lists entries while they expire, without a consumer that would wait for them, and leaves out those deleted',
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'quarry-bucket-'));
    const server = await startNatsServer(dir);
    const fleet = await openFleet({ url: server.url, fleet: 'test', name: 'test' });
    try {
      const bucket = await new Kvm(fleet.nc).create('brief', { history: 1, ttl: 200 });
      const consumers: string[] = [];
      const heard = (_: Error | null, { subject }: Msg): void => void consumers.push(subject);
      fleet.nc.subscribe('$JS.EVENT.ADVISORY.CONSUMER.CREATED.>', { callback: heard });
      for (let expired = 0; expired < 5; expired++) {
        await bucket.put('scorer', 'alive');
        await bucket.put('gone', 'alive');
        await bucket.delete('gone');
        const [entry] = await bucketEntries(fleet.jsm, bucket);
        expect({ key: entry?.key, text: entry?.string() }).toEqual({ key: 'scorer', text: 'alive' });
        // Asked without a pause, so that some answer is on its way as the entry expires.
        while ((await bucketEntries(fleet.jsm, bucket)).length > 0);
      }
      await fleet.nc.flush();
      expect(consumers).toEqual([]);
    } finally {
      await fleet.close();
      await server.close();
      await rm(dir, { recursive: true, force: true });
    }
  },
);
