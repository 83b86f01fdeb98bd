// A miner with a handler of its own: AITBC_BASE_URL=… AITBC_MINER_KEY=… npx tsx examples/aitbc-miner.ts
import { AITBCMiner, receiptDirectory } from 'quarry-miner/aitbc';

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());

const miner = new AITBCMiner(
  {
    baseUrl: process.env['AITBC_BASE_URL'] ?? 'http://127.0.0.1:8011',
    apiKey: process.env['AITBC_MINER_KEY'] ?? '',
    minerId: 'example-miner',
    // The scheduler compares these words with a job's constraints.
    capabilities: { gpus: [{ name: 'any', memory_mb: 8192 }], models: ['word-count'], price: 0.01 },
    concurrency: 2,
  },
  {
    handler: async ({ payload }) => ({ result: { words: String(payload['text'] ?? '').split(/\s+/).length } }),
    receipts: receiptDirectory('aitbc-receipts'),
    onEvent: (event) => console.error(event.type, 'jobId' in event ? event.jobId : ''),
  },
);
try {
  console.log(await miner.run({ signal: stop.signal }));
} finally {
  await miner.close();
}
