import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, rmdir, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config/index.js';
import { nearestDirectory } from '../../files/nearest-directory.js';
import { type DataHost, verifiedHost } from '../../hosting/index.js';
import { blake2b256 } from '../../native/blake2b.js';
import { shannonsToSoma } from '../../soma/chain/index.js';
import { formatBytes, formatDuration } from '../../text/index.js';
import type { CliContext } from '../context.js';
import { openDataHost } from '../data-host.js';
import { type SessionFlags, type SomaSession, signerOf, withSession } from '../soma-session.js';
import { stateDirOf } from '../state-dir.js';
import { type Check, checked } from './check.js';

/** Clock error beyond which checkpoint ages and rates are meaningless and TLS will soon fail. */
const MAX_CLOCK_SKEW_MS = 30_000;
/** A node whose newest checkpoint is older than this lists outdated targets. */
const MAX_LAG_MS = 15_000;
/** Space for three full-size models: each about 5 GB decrypted and as much packed. */
const DISK_BYTES = 30e9;

/** Checks the requirements of mining, in the order a miner needs them. */
export async function* miningChecks(
  context: CliContext,
  config: Config,
  flags: SessionFlags,
): AsyncGenerator<Check, void, void> {
  yield await checked('disk', () => disk(context, config));
  let address: string | undefined;
  yield await checked('key', async () => {
    address = (await signerOf(context, config, flags)).address;
    return { state: 'ok', detail: address };
  });
  const network: Check[] = [];
  const connected = await checked('node', () =>
    withSession(
      context,
      flags,
      async (session) => {
        const { clock, ...node } = await nodeOf(session);
        network.push(clock);
        network.push(await checked('models', () => models(session)));
        const owner = address;
        if (owner !== undefined) network.push(await checked('balance', () => balance(session, owner)));
        network.push(await checked('data host', () => dataHost(config, session)));
        return node;
      },
      config,
    ),
  );
  yield connected;
  yield* network;
}

async function disk(context: CliContext, config: Config): Promise<Omit<Check, 'name'>> {
  const dir = stateDirOf(config, context.env);
  const place = nearestDirectory(dir);
  // Whether something can be created there; a check leaves nothing behind.
  await rmdir(await mkdtemp(join(place, '.quarry-')));
  const { bavail, bsize } = await statfs(place);
  const free = bavail * bsize;
  const detail = `${formatBytes(free)} free for ${dir}`;
  if (free >= DISK_BYTES) return { state: 'ok', detail };
  return { state: 'warn', detail, hint: `three full-size models take about ${formatBytes(DISK_BYTES)}` };
}

async function nodeOf(session: SomaSession): Promise<Omit<Check, 'name'> & { readonly clock: Check }> {
  const asked = performance.now();
  const info = await session.client.getServiceInfo({ signal: session.signal });
  const latency = performance.now() - asked;
  const ageMs = info.timestampMs === undefined ? undefined : Date.now() - Number(info.timestampMs);
  const detail = [
    info.server || 'a node that does not report its version',
    `chain ${info.chain} (${info.chainId})`,
    `epoch ${info.epoch}`,
    `checkpoint ${info.checkpointHeight}${ageMs === undefined ? '' : `, ${formatDuration(Math.max(0, ageMs))} old`}`,
    `answers in ${latency.toFixed(0)} ms`,
  ].join(', ');
  const clock = clockOf(ageMs);
  if (ageMs !== undefined && ageMs > MAX_LAG_MS) {
    const hint = 'the node lags, or the clock of this machine is ahead; name another fullnode with --fullnodes';
    return { state: 'warn', detail, hint, clock };
  }
  return { state: 'ok', detail, clock };
}

/** A checkpoint from the future means that our clock is behind; an old one can be due to the node or the clock. */
function clockOf(ageMs: number | undefined): Check {
  const name = 'clock';
  if (ageMs === undefined)
    return { name, state: 'warn', detail: 'the node does not report its time', hint: 'check it' };
  const off = formatDuration(Math.abs(ageMs));
  if (ageMs < -MAX_CLOCK_SKEW_MS) {
    return { name, state: 'warn', detail: `${off} behind the network's`, hint: 'set the clock of this machine' };
  }
  if (ageMs > MAX_LAG_MS) {
    return { name, state: 'warn', detail: `${off} ahead of the newest checkpoint`, hint: 'fine if the node lags' };
  }
  return { name, state: 'ok', detail: `within ${off} of the newest checkpoint's` };
}

async function models({ client, signal }: SomaSession): Promise<Omit<Check, 'name'>> {
  const active = await client.getActiveModels({ signal });
  const { targets } = await client.listTargets({ limit: 1000, signal });
  const open = targets.length === 1000 ? '1000 or more' : String(targets.length);
  const detail = `${active.length} active, ${open} open targets`;
  if (active.length > 0) return { state: 'ok', detail };
  return { state: 'warn', detail, hint: 'without active models there are no targets; wait for an epoch with some' };
}

async function balance({ client, config, signal }: SomaSession, owner: string): Promise<Omit<Check, 'name'>> {
  const shannons = await client.getBalance(owner, { signal });
  const detail = `${shannonsToSoma(shannons)} SOMA`;
  if (shannons > 0n) return { state: 'ok', detail };
  const faucet = config.faucetUrl !== undefined || config.network === 'localnet' || config.network === 'testnet';
  const hint = faucet ? 'quarry wallet faucet asks for coins' : 'send coins to the address above';
  return { state: 'fail', detail, hint: `a submission takes a bond and a fee: ${hint}` };
}

async function dataHost(config: Config, session: SomaSession): Promise<Omit<Check, 'name'>> {
  const dir = await mkdtemp(join(tmpdir(), 'quarry-doctor-'));
  let host: DataHost | undefined;
  try {
    host = await openDataHost(config, dir);
    if (host === undefined) {
      const hint = 'set --s3-bucket, or --data-port and --host-url; a network on this machine needs neither';
      return { state: 'warn', detail: 'not set', hint };
    }
    const bytes = randomBytes(64);
    const checksum = Buffer.from(blake2b256(bytes)).toString('hex');
    const url = await verifiedHost(host, session.client.context.manifestHttp).publish(checksum, bytes, session.signal);
    await host.remove(checksum, session.signal);
    return { state: 'ok', detail: `${host.name}: published and fetched back at ${new URL(url).origin}` };
  } finally {
    await host?.close();
    await rm(dir, { recursive: true, force: true });
  }
}
