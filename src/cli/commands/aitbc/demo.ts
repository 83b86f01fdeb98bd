import { randomBytes } from 'node:crypto';
import { Command } from 'commander';
import {
  AITBCClient,
  AITBCMiner,
  decodeEmbedding,
  type MinerEvent,
  parseLosslessJson,
  type Receipt,
  type ReceiptVerification,
  receiptHash,
  SCORING_JOB_TYPE,
  scoringHandler,
  wireOf,
} from '../../../aitbc/index.js';
import { DocumentedServer, keyIdOf } from '../../../devnet/index.js';
import type { ScoringEngine } from '../../../engine/contract.js';
import { QuarryError } from '../../../errors/index.js';
import { readNamedFile } from '../../../files/named-file.js';
import { formatDuration, renderFields, toJsonLine } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { printTable } from '../../table.js';
import { say, tell } from './print.js';
import { verificationFields } from './receipts.js';
import { openScorer } from './scorer.js';

/** Samples scored by the demo if no files are given. */
const SAMPLES = [
  'The embedding of a sample depends on its bytes and on the weights, never on the target.',
  'Work that anyone can repeat is work that anyone can check.',
  'for (let i = 0; i < 10; i++) console.log(i);',
];

/** `quarry aitbc demo`. */
export function demoCommand(context: CliContext, createEngine?: () => Promise<ScoringEngine>): Command {
  return new Command('demo')
    .description('run a job from creation to a verified receipt on this machine; needs no account')
    .argument('[files...]', 'files to score (default: three short texts)')
    .option('--json', 'job, results, receipt and verification as one object')
    .addHelpText('after', '\nExample:\n  quarry aitbc demo README.md')
    .action((files: string[], flags: { json?: boolean | undefined }) => runDemo(context, files, flags, createEngine));
}

async function runDemo(
  context: CliContext,
  files: readonly string[],
  flags: { readonly json?: boolean | undefined },
  createEngine: (() => Promise<ScoringEngine>) | undefined,
): Promise<void> {
  const started = performance.now();
  const { signal } = context;
  const samples =
    files.length === 0
      ? SAMPLES.map((text) => Buffer.from(text))
      : await Promise.all(files.map((file) => readNamedFile(file, { signal })));
  const [apiKey = '', minerKey = ''] = [1, 2].map(() => randomBytes(16).toString('hex'));
  const signerSeed = randomBytes(32);
  const attesterSeed = randomBytes(32);
  const keys = { clientKeys: [apiKey], minerKeys: [minerKey], signerSeed, attesterSeed };
  const server = await DocumentedServer.start({ ...keys, bindResults: true });
  const scorer = await openScorer({ modelConfig: 'small', signal, createEngine });
  const client = new AITBCClient({
    apiKey,
    baseUrl: server.url,
    trustedSigners: [keyIdOf(signerSeed)],
    trustedAttesters: [keyIdOf(attesterSeed)],
  });
  const miner = new AITBCMiner(
    { apiKey: minerKey, baseUrl: server.url, minerId: 'miner_demo', pollMs: 50 },
    {
      handler: scoringHandler(scorer.score, { model: scorer.name }),
      onEvent: (event) => narrate(context, event),
    },
  );
  try {
    tell(
      context,
      `coordinator ${server.url} (dialect ${await client.dialect({ signal })}), miner miner_demo, model ${scorer.name}`,
    );
    const job = await client.jobs.create(
      {
        name: 'demo-scoring',
        type: SCORING_JOB_TYPE,
        input: { type: 'samples', format: 'base64', samples: samples.map((bytes) => bytes.toString('base64')) },
        output: { type: 'json', embedding: 'base64-f32le' },
        pricing: { maxCost: '0.10' },
      },
      { signal },
    );
    tell(context, `created     ${job.jobId}`);
    const [results] = await Promise.all([
      client.jobs.waitForCompletion(job.jobId, { pollInterval: 50, signal }),
      miner.run({ maxJobs: 1, signal }),
    ]);
    const receipt = await client.receipts.get(job.jobId, { signal });
    const verification = client.receipts.verifyLocal(receipt);
    const remote = await client.receipts.verify(receipt, { signal });
    const bound = boundTo(receipt) === receiptHash(parseLosslessJson(JSON.stringify(results.results)));
    if (flags.json) {
      say(
        context,
        toJsonLine({
          job: wireOf(job),
          results: wireOf(results),
          receipt: receipt.toJSON(),
          verification,
          coordinator_says: wireOf(remote),
          results_bound: bound,
        }),
      );
    } else show(context, results.results, receipt, verification, { bound, valid: remote.valid });
    if (!verification.verified || !verification.trusted || !bound) {
      throw new QuarryError('SIGNATURE_INVALID', 'the receipt of the demo does not verify');
    }
    tell(context, `done in ${formatDuration(performance.now() - started)}`);
  } finally {
    await Promise.all([client.close(), miner.close(), scorer.close()]);
    await server.close();
  }
}

function show(
  context: CliContext,
  results: Readonly<Record<string, unknown>>,
  receipt: Receipt,
  verification: ReceiptVerification,
  { bound, valid }: { readonly bound: boolean; readonly valid: boolean },
): void {
  printTable(
    context,
    {},
    (results['scores'] ?? []) as Record<string, unknown>[],
    [
      { header: 'sample', value: (score) => Number(score['sample']), align: 'right' },
      { header: 'bytes', value: (score) => Number(score['bytes']), align: 'right' },
      { header: 'sha256', value: (score) => String(score['sha256']).slice(0, 16) },
      { header: 'loss', value: (score) => Number(score['loss']).toFixed(6), align: 'right' },
      { header: 'embedding', value: (score) => preview(decodeEmbedding(score)) },
    ],
    'no scores',
  );
  say(context, '');
  say(
    context,
    renderFields([
      ['receipt', receipt.receiptId],
      ['job', receipt.jobId],
      ['miner', receipt.minerId],
      ...verificationFields(verification),
      ['covers results', bound ? 'yes (results_sha256)' : 'NO'],
      ['coordinator says', valid ? 'valid' : 'NOT VALID'],
    ]),
  );
}

function boundTo(receipt: Receipt): unknown {
  return receipt.toJSON()['results_sha256'];
}

function preview(embedding: Float32Array): string {
  const first = [...embedding.slice(0, 3)].map((value) => value.toFixed(3)).join(' ');
  return `[${embedding.length}] ${first} …`;
}

function narrate(context: CliContext, event: MinerEvent): void {
  if (event.type === 'job') tell(context, `taken       ${event.jobId}`);
  if (event.type === 'completed') tell(context, `completed   ${event.jobId} in ${formatDuration(event.durationMs)}`);
  if (event.type === 'failed') tell(context, `failed      ${event.jobId} "${event.message}"`);
}
