import type { JetStreamManager } from '@nats-io/jetstream';
import type { KV, KvEntry } from '@nats-io/kv';

/**
 * The current entries of a bucket, read by requests. `KV.keys()` uses a consumer instead: if an entry expires during
 * delivery, it waits for the consumer's next heartbeat, half a minute.
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
