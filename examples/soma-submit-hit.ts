// Scores texts until one hits an open target, and submits that one.
//   SOMA_RPC_URL=… SOMA_SECRET_KEY=… npx tsx examples/soma-submit-hit.ts README.md
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Keypair, MODEL_CONFIGS, SomaClient } from 'quarry-miner';
import { chooseEngine, cosineDistance, type LoadedModel, openSafetensors, selectBest } from 'quarry-miner/engine';
import { HttpHost } from 'quarry-miner/miner';
import { blake2b256, cryptWeights, manifestOf, type ObjectId } from 'quarry-miner/soma';

const client = await SomaClient.connect({ url: process.env['SOMA_RPC_URL'] ?? 'http://127.0.0.1:9000' });
const account = client.account(Keypair.fromText(process.env['SOMA_SECRET_KEY'] ?? ''));
const dir = await mkdtemp(join(tmpdir(), 'quarry-'));
const host = await HttpHost.listen({ dir: join(dir, 'hosted'), port: 0 });
const { engine } = await chooseEngine({ engine: 'auto' }, MODEL_CONFIGS.small);

const models = new Map<ObjectId, LoadedModel>();
const opened: { close(): Promise<void> }[] = [];
async function modelOf(id: ObjectId): Promise<LoadedModel> {
  const known = models.get(id);
  if (known !== undefined) return known;
  const [manifest] = await client.getModelManifests([id]);
  if (manifest?.decryptionKey === undefined) throw new Error(`model ${id} is not revealed`);
  const weights = cryptWeights(await client.fetchModel(id), manifest.decryptionKey);
  await writeFile(join(dir, id), weights);
  const file = await openSafetensors(join(dir, id));
  const loaded = await engine.load(file, MODEL_CONFIGS.small);
  opened.push(loaded, file);
  models.set(id, loaded);
  return loaded;
}

const text = await readFile(process.argv[2] ?? 'README.md');
const targets = await client.getTargets({ limit: 1000 });
let submitted = false;
search: for (let from = 0; from + 1024 <= text.length; from += 256) {
  const sample = text.subarray(from, from + 1024);
  const scores = new Map<ObjectId, { loss: number; embedding: Float32Array }>();
  for (const id of new Set(targets.flatMap((target) => target.modelIds))) {
    scores.set(id, (await (await modelOf(id)).score([sample]))[0]!);
  }
  for (const target of targets) {
    // The target's own models decide who wins; the first of them, at equal losses.
    const modelId = target.modelIds[selectBest(target.modelIds.map((id) => scores.get(id)!.loss))!]!;
    const { loss, embedding } = scores.get(modelId)!;
    const distance = cosineDistance(embedding, target.embedding);
    if (!(distance <= target.distanceThreshold)) continue;
    const url = await host.publish(Buffer.from(blake2b256(sample)).toString('hex'), sample);
    const manifest = manifestOf(url, sample);
    const { digest } = await account.submitData({ targetId: target.id, manifest, modelId, embedding, distance, loss });
    console.log(`bytes ${from} to ${from + 1024} hit ${target.id.slice(0, 12)}… at ${distance.toFixed(4)}: ${digest}`);
    submitted = true;
    break search;
  }
}
if (!submitted) console.log(`no part of it hits one of ${targets.length} targets`);
for (const each of opened) await each.close();
await engine.close();
await host.close();
client.close();
