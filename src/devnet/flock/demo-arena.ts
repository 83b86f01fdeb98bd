import { demoTrainingSet } from './fixtures.js';
import { HubServer } from './hub-server.js';
import { LedgerServer } from './ledger-server.js';
import { S3Server } from './s3-server.js';

/** Date of the demo: 2025-04-10, when task 7 accepted submissions. */
const DEMO_DAY_MS = Date.UTC(2025, 3, 10, 13, 8, 58);

/** Ledger, store and Hub on loopback, with a shared clock that starts at {@link DEMO_DAY_MS}. */
export interface DemoArena {
  readonly ledger: LedgerServer;
  readonly s3: S3Server;
  readonly hub: HubServer;
  /** Environment variables that point the commands to these servers. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Ports of the servers. */
export interface DemoArenaOptions {
  /** First of three; 0 picks free ones. Default 0. */
  readonly port?: number | undefined;
}

/**
 * Starts the demo arena with training and validation data for every task and some competing submissions to task 7.
 *
 * @throws QuarryError `CONFLICT` when a port is taken
 */
export async function startDemoArena(options: DemoArenaOptions = {}): Promise<DemoArena> {
  const port = options.port ?? 0;
  const startedAt = Date.now();
  const now = (): number => DEMO_DAY_MS + (Date.now() - startedAt);
  const [ledger, s3, hub] = [new LedgerServer(), new S3Server(), new HubServer()];
  const listening: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(listening.map((server) => server.close()));
  };
  try {
    for (const [place, server] of [ledger, s3, hub].entries()) {
      listening.push(await server.listen(port === 0 ? 0 : port + place));
    }
  } catch (error) {
    await close();
    throw error;
  }
  for (const server of [ledger, s3, hub]) server.now = now;
  ledger.signLink = (key) => s3.sign(key);
  ledger.unlimitedLookups = true;
  hub.modelParams.set('Qwen/Qwen2.5-7B', 7_615_616_512);
  for (const task of ledger.tasks) {
    s3.put(`${task.id}/training_set.jsonl`, Buffer.from(demoTrainingSet(2000)));
    s3.put(`${task.id}/validation_set.jsonl`, Buffer.from(demoTrainingSet(50)));
    // By then, task 6 was finalized.
    if (task.id === 6)
      Object.assign(task, { status: 'finalized', final_link: 'https://huggingface.co/example-winner/task-6-model' });
  }
  for (let i = 1; i <= 5; i++) {
    ledger.leaderboard.push({
      wallet: `0x${String(i).repeat(40)}`,
      rank: i,
      submission_phase_score: Number((0.95 - i * 0.03).toFixed(2)),
      finalized_at: null,
    });
    ledger.validators.push({
      wallet: `0x${'ab'.repeat(19)}0${i}`,
      rank: i,
      score: 100 - i,
      hardworking_score: 50 - i,
      updated_at: '2025-04-10T12:00:00.000000',
    });
  }
  return {
    ledger,
    s3,
    hub,
    env: {
      FLOCK_BASE_URL: ledger.url,
      FLOCK_API_KEY: ledger.apiKey,
      HF_ENDPOINT: hub.url,
      HF_TOKEN: hub.token,
      FLOCK_GPU_TYPE: 'NVIDIA A100-SXM4-80GB',
    },
    close,
  };
}
