import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createJsEngine } from '../../src/engine/js/index.js';
import { ModelShelf, ScoringService, type Serving, serveScoring } from '../../src/fleet/index.js';
import { HttpClient, PUBLIC_AND_LOOPBACK } from '../../src/net/index.js';
import { WeightsCache } from '../../src/weights/weights-cache.js';

const LIMITS = { maxDataBytes: 1 << 20, maxModels: 16, batch: 64, remembered: 1_000 };

/** The scoring service of `quarry serve`, in place of `soma start scoring`. */
export async function startScoringServer(port: number): Promise<Serving> {
  const dir = await mkdtemp(join(tmpdir(), 'quarry-conformance-'));
  const http = new HttpClient({ addressPolicy: PUBLIC_AND_LOOPBACK });
  const engine = createJsEngine();
  const weights = new WeightsCache({ dir }, { http });
  const models = new ModelShelf({ most: 6 }, { weights, engineFor: async () => engine });
  const serving = await serveScoring({ host: '127.0.0.1', port }, new ScoringService(LIMITS, { models, http }));
  const close = async (): Promise<void> => {
    await serving.close();
    await models.close();
    await engine.close();
    await http.close();
    await rm(dir, { recursive: true, force: true });
  };
  return { url: serving.url, close };
}
