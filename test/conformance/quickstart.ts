import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../bench/free-port.js';
import { startDemoNetwork } from '../../src/demo/index.js';
import { normaliseId } from '../../src/soma/chain/index.js';
import { Keypair, type SomaClient } from '../../src/soma/index.js';
import type { Comparison } from './comparison.js';

const QUARRY = fileURLToPath(new URL('../../bin/quarry.js', import.meta.url));
const HITS = 3;
/** The whole loop takes seconds; this is against hangs. */
const LIMIT_MS = 300_000;

interface Outcome {
  readonly scored: number;
  /** Targets whose submission the network took. */
  readonly accepted: readonly string[];
}

/**
 * A submitter's loop with the official SDK, its scoring service being `quarry serve`, on a network that audits every
 * submission: the public quickstart's own with `QUARRY_QUICKSTART=…/submitter.py`, else one of the same steps.
 */
export async function quickstart(python: string, compare: Comparison): Promise<void> {
  const path = process.env['QUARRY_QUICKSTART'];
  const which = path === undefined ? 'a submitter loop' : "the public quickstart's loop";
  const dir = await mkdtemp(join(tmpdir(), 'quarry-quickstart-'));
  try {
    const network = await startDemoNetwork(
      { dir, modelConfig: 'small', models: 3, distanceThreshold: 0.6, signal: new AbortController().signal },
      () => {},
    );
    try {
      const { client } = network;
      const submitter = Keypair.generate();
      await client.requestFaucet(submitter.address);
      const { scored, accepted } = await runSubmitter(python, dir, network.devnet.rpcUrl, submitter, path);
      const paid = await claimableOf(client, submitter.address);
      const good = accepted.length >= HITS && accepted.every((id) => paid.includes(normaliseId(id)));
      compare.note(
        'score',
        `${which} over quarry serve`,
        good,
        `${scored} scored, ${accepted.length} accepted and paid`,
      );
    } finally {
      await network.close();
    }
  } catch (error) {
    compare.note('score', `${which} over quarry serve`, false, String(error));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** What pays once its audit is over: targets whose submission stood. */
async function claimableOf(client: SomaClient, submitter: string): Promise<readonly string[]> {
  await client.advanceEpoch();
  await client.advanceEpoch();
  return (await client.getTargets({ claimable: true, submitter })).map(({ id }) => id);
}

async function runSubmitter(
  python: string,
  dir: string,
  rpcUrl: string,
  submitter: Keypair,
  path: string | undefined,
): Promise<Outcome> {
  const scoringPort = await freePort();
  const bin = join(dir, 'bin');
  await mkdir(bin);
  const serve = [QUARRY, 'serve', '--engine', 'js', '--workers', '1', '--serve-port', String(scoringPort)];
  const command = [process.execPath, ...serve, '--state-dir', join(dir, 'serve')];
  await writeFile(join(bin, 'soma'), `#!/bin/sh\nexec ${command.map((word) => `'${word}'`).join(' ')}\n`);
  await chmod(join(bin, 'soma'), 0o755);
  const script = fileURLToPath(new URL('./quickstart_submitter.py', import.meta.url));
  const child = spawn(python, [script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Its scoring service ends with it: they are one process group.
    detached: true,
    env: {
      ...process.env,
      PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
      RPC_URL: rpcUrl,
      SCORING_PORT: String(scoringPort),
      DATA_PORT: String(await freePort()),
      SOMA_SECRET_KEY: submitter.exportSecret('hex'),
      HITS: String(HITS),
      WORK_DIR: dir,
      ...(path !== undefined && { QUICKSTART: resolve(path) }),
    },
  });
  let output = '';
  child.stdout.on('data', (text) => {
    output += String(text);
  });
  const limit = setTimeout(() => child.kill(), LIMIT_MS);
  const closed = once(child, 'close');
  const [status] = (await once(child, 'exit')) as [number | null];
  clearTimeout(limit);
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  await closed;
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  if (status !== 0) throw new Error(`the submitter ended with ${status}: ${last}`);
  return JSON.parse(last) as Outcome;
}
