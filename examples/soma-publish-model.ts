// Publishes a model: encrypts, hosts, creates, commits, waits for the next epoch, reveals. Goes on where it was stopped.
//   SOMA_RPC_URL=… SOMA_SECRET_KEY=… npx tsx examples/soma-publish-model.ts model.safetensors
import { Keypair, MODEL_CONFIGS, SomaClient } from 'quarry-miner';
import { normalArray } from 'quarry-miner/engine';
import { HttpHost } from 'quarry-miner/miner';
import { ModelPublication } from 'quarry-miner/soma';

const [path = 'model.safetensors'] = process.argv.slice(2);
const client = await SomaClient.connect({
  url: process.env['SOMA_RPC_URL'] ?? 'http://127.0.0.1:9000',
  adminUrl: process.env['SOMA_ADMIN_URL'] ?? 'http://127.0.0.1:9125',
});
const host = await HttpHost.listen({ dir: `${path}.hosted`, port: 0 });
const shape = MODEL_CONFIGS.small;
const publication = new ModelPublication(
  { path, shape, embedding: normalArray(7n, shape.embeddingDim), commissionRateBps: 1_000 },
  {
    client,
    account: client.account(Keypair.fromText(process.env['SOMA_SECRET_KEY'] ?? '')),
    hostFile: (checksum, file) => host.publishFile(checksum, file),
    onStep: (step) => console.log(step),
  },
);
await publication.commit();
// On a real network the epoch ends by itself: `await publication.run()` does all of it.
await client.advanceEpoch();
const { modelId } = await publication.reveal();
await client.advanceEpoch();
const active = await client.getActiveModels();
console.log(`${modelId} is active: ${active.some(({ id }) => id === modelId)}`);
await host.close();
client.close();
