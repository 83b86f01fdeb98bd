import { openFleet } from '../../src/fleet/index.js';
import { type Delivery, pullJobs } from '../../src/fleet/pull.js';
import { answerHeaders, consumerName, embeddingBytes, type Job, readJob } from '../../src/fleet/wire.js';
import { type WeightsManifest, weightsIdentity } from '../../src/weights/manifest.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import type { WeightsCache } from '../../src/weights/weights-cache.js';
import { f32Engine } from './f32-engine.js';

/** What a scorer does with an answer, right or wrong. */
export type Handing = (
  send: (data?: Uint8Array, scorer?: string) => Promise<string>,
  delivery: Delivery,
) => Promise<void>;

/** A scorer that computes rightly and hands its answers in as it is told to. */
export async function startRawScorer(
  place: { readonly url: string; readonly fleet: string },
  manifest: WeightsManifest,
  weights: WeightsCache,
  hand: Handing,
): Promise<{ close(): Promise<void> }> {
  const connection = await openFleet({ ...place, name: 'raw scorer' });
  const file = await weights.open(manifest);
  const model = await f32Engine().load(file, MODEL_CONFIGS.small);
  await file.close();
  const consumer = consumerName(weightsIdentity(manifest), 'own');
  const answer = async (job: Job, delivery: Delivery): Promise<void> => {
    const [score] = await model.score([job.sample], { seed: job.seed });
    const { deliveries } = delivery;
    const send = async (data = embeddingBytes(score!.embedding), scorer = '0badcafe'): Promise<string> => {
      const headers = answerHeaders({ jobId: job.id, scorer, deliveries, score: score!, bound: model.errorBound });
      return (await connection.nc.request(job.reply, data, { headers, timeout: 5_000 })).string();
    };
    await hand(send, delivery);
  };
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      const deliveries = await pullJobs(connection, consumer, 4);
      for (const delivery of deliveries) await answer(readJob(delivery.message), delivery);
      if (deliveries.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    close: async () => {
      stopped = true;
      await running;
      await model.close();
      await connection.close();
    },
  };
}
