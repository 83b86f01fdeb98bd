import type { JetStreamManager } from '@nats-io/jetstream';
import type { KV, KvEntry } from '@nats-io/kv';

/**
 * The current entries of a bucket, by requests alone. `KV.keys()` has them delivered: if one expires on its way, it waits
 * for the next heartbeat of its consumer, half a minute.
 */
export async function bucketEntries(jsm: JetStreamManager, bucket: KV): Promise<KvEntry[]> {
  const { name, subjects } = (await bucket.status()).streamInfo.config;
  const { state } = await jsm.streams.info(name, { subjects_filter: '>' });
  const start = (subjects[0] ?? '').length - '>'.length;
  const keys = Object.keys(state.subjects ?? {}).map((subject) => subject.slice(start));
  const entries = await Promise.all(keys.map((key) => bucket.get(key)));
  // Deleted keys leave a marker.
  return entries.flatMap((entry) => (entry?.operation === 'PUT' ? [entry] : []));
}
