// A network for the other examples: an embedded one with three models and open targets, a funded key, and weights to
// publish. Prints what to export and serves until it is interrupted: npx tsx examples/demo-network.ts [directory]
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Keypair, MODEL_CONFIGS } from 'quarry-miner';
import { startDemoNetwork } from 'quarry-miner/demo';
import { generateWeights } from 'quarry-miner/engine';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
const dir = process.argv[2] ?? (await mkdtemp(join(tmpdir(), 'quarry-examples-')));
// At the default of 0.5 it may be that no part of a document hits any target.
const distanceThreshold = 0.65;
const network = await startDemoNetwork(
  { dir, modelConfig: 'small', models: 3, distanceThreshold, signal: stop.signal },
  () => {},
);
const key = Keypair.generate();
// Small coins of 2 SOMA each: a model stakes one, submissions take little.
for (let coin = 0; coin < 3; coin++) await network.client.requestFaucet(key.address);
const weights = join(dir, 'example.safetensors');
await generateWeights(MODEL_CONFIGS.small, 99n, weights);
console.log(`export SOMA_RPC_URL=${network.devnet.rpcUrl}`);
console.log(`export SOMA_ADMIN_URL=${network.devnet.adminUrl}`);
console.log(`export SOMA_SECRET_KEY=${key.exportSecret('hex')}`);
console.log(`export EXAMPLE_WEIGHTS=${weights}`);
console.log('# serving');
const alive = setInterval(() => {}, 60_000);
stop.signal.addEventListener('abort', () => {
  clearInterval(alive);
  void network.close();
});
