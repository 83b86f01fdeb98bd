import { bytesToHex } from '@noble/hashes/utils.js';
import type { LoadedModel } from '../src/engine/contract.js';
import { cosineDistance } from '../src/engine/reference/index.js';
import { QuarryError } from '../src/errors/index.js';
import type { DataHost } from '../src/hosting/index.js';
import { blake2b256, manifestOf } from '../src/soma/chain/index.js';
import type { SomaAccount } from '../src/soma/client/account/soma-account.js';
import type { Target } from '../src/soma/client/decode/target.js';
import type { SomaClient } from '../src/soma/client/soma-client.js';

/** Samples between two reads of the open targets when nothing hits. */
const REFRESH_EVERY = 50;

/** What the policy works with. */
export interface QuickstartParts {
  readonly client: SomaClient;
  readonly account: SomaAccount;
  readonly host: DataHost;
  /** By object id: the network's active models, loaded. */
  readonly models: ReadonlyMap<string, LoadedModel>;
  readonly samples: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** What it came to. */
export interface QuickstartResult {
  readonly samples: number;
  readonly accepted: number;
  readonly failed: number;
}

/**
 * Mines as the network's public quickstart does (`soma-org/quickstart`): one sample at a time is scored under a target's
 * models, compared with the open targets of the last refresh that list the winner, submitted for each it hits and then
 * forgotten. The list is read again every 50 samples and after hits. Its merging of coins before every submission is left
 * out, which only helps it.
 */
export async function runQuickstartPolicy(parts: QuickstartParts, signal: AbortSignal): Promise<QuickstartResult> {
  const { client, models } = parts;
  const result = { samples: 0, accepted: 0, failed: 0 };
  const refresh = async (): Promise<Target[]> => {
    const open: Target[] = [];
    for await (const target of client.listAllTargets({ status: 'open' })) open.push(target);
    return open;
  };
  let open = await refresh();
  let turn = 0;
  let sinceRefresh = 0;
  for await (const bytes of parts.samples) {
    if (signal.aborted) break;
    const scored = open[turn++ % Math.max(1, open.length)];
    if (scored === undefined) {
      open = await refresh();
      continue;
    }
    const winner = await compete(scored.modelIds, models, bytes);
    result.samples++;
    sinceRefresh++;
    let hits = 0;
    for (const target of open) {
      if (signal.aborted) break;
      if (winner === undefined || !target.modelIds.includes(winner.modelId)) continue;
      const distance = cosineDistance(winner.embedding, target.embedding);
      if (!(distance <= target.distanceThreshold)) continue;
      hits++;
      if (await submit(parts, target, winner, bytes, distance)) result.accepted++;
      else result.failed++;
    }
    if (hits > 0 || sinceRefresh >= REFRESH_EVERY) {
      open = await refresh();
      sinceRefresh = 0;
    }
  }
  return result;
}

interface Winner {
  readonly modelId: string;
  readonly loss: number;
  readonly embedding: Float32Array;
}

async function compete(
  modelIds: readonly string[],
  models: ReadonlyMap<string, LoadedModel>,
  bytes: Uint8Array,
): Promise<Winner | undefined> {
  let best: Winner | undefined;
  for (const modelId of modelIds) {
    const [score] = (await models.get(modelId)?.score([bytes])) ?? [];
    if (score !== undefined && (best === undefined || score.loss < best.loss)) best = { modelId, ...score };
  }
  return best;
}

/** Hosts and submits, and waits for the checkpoint as the official SDK does. Whatever fails is a lost race to it. */
async function submit(
  { account, host }: QuickstartParts,
  target: Target,
  winner: Winner,
  bytes: Uint8Array,
  distance: number,
): Promise<boolean> {
  try {
    const url = await host.publish(bytesToHex(blake2b256(bytes)), bytes);
    await account.submitData({ ...winner, targetId: target.id, manifest: manifestOf(url, bytes), distance });
    return true;
  } catch (error) {
    if (error instanceof QuarryError) return false;
    throw error;
  }
}
