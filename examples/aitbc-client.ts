// A job from creation to a verified receipt, on a coordinator of this process: npx tsx examples/aitbc-client.ts
import { randomBytes } from 'node:crypto';
import { AITBCClient, AITBCMiner } from 'quarry-miner/aitbc';
import { DocumentedServer, keyIdOf } from 'quarry-miner/devnet';

const [signerSeed, attesterSeed] = [randomBytes(32), randomBytes(32)];
const keys = { clientKeys: ['your_key'], minerKeys: ['miner_key'], signerSeed, attesterSeed };
const server = await DocumentedServer.start(keys);

const client = new AITBCClient({
  apiKey: 'your_key',
  baseUrl: server.url,
  trustedSigners: [keyIdOf(signerSeed)],
  trustedAttesters: [keyIdOf(attesterSeed)],
});

const job = await client.jobs.create({ name: 'my-job', type: 'ai-inference' });
console.log(job.jobId.startsWith('job_'), job.status);

// A miner to do the work.
const miner = new AITBCMiner(
  { apiKey: 'miner_key', baseUrl: server.url, minerId: 'miner_example', pollMs: 50 },
  { handler: async () => ({ result: { prediction: 'cat', confidence: 0.95 } }) },
);
await miner.run({ maxJobs: 1 });

const results = await client.jobs.getResults(job.jobId);
console.log(results.results);

const receipt = await client.receipts.get(job.jobId);
const { verified, trusted } = client.receipts.verifyLocal(receipt);
console.log({ verified, trusted });

await Promise.all([client.close(), miner.close()]);
await server.close();
