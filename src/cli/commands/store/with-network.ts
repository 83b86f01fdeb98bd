import { type Command, Option } from 'commander';
import { QuarryError } from '../../../errors/index.js';
import {
  collectGarbage,
  type HitPolicy,
  type MatchHit,
  type MatchTarget,
  type ModelKey,
  storeInfo,
} from '../../../store/index.js';
import { formatBytes } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { modelKeyOf } from '../../model-key-of.js';
import { openNetworkStore } from '../../network-store.js';
import { integerArgument } from '../../parse-argument.js';
import { examples, printRecord, sayJson, tell } from '../../print.js';
import { type SessionFlags, type SomaSession, withSession } from '../../soma-session.js';
import { addTableFlags, printTable, type TableFlags } from '../../table.js';

interface ScanFlags extends SessionFlags, TableFlags {
  readonly pick: HitPolicy;
  readonly hits: string;
}

/** Adds `quarry store scan` and `gc`, which query the network for active models. */
export function addNetworkStoreCommands(
  command: (usage: string, description: string) => Command,
  context: CliContext,
): void {
  addTableFlags(command('scan', 'show which stored samples hit the currently open targets; submits nothing'))
    .addOption(
      new Option('--pick <policy>', 'which of several hits')
        .choices(['first', 'closest', 'cheapest'])
        .default('closest'),
    )
    .option('--hits <n>', 'hits per target, 1 to 100', '1')
    .addHelpText('after', examples('store scan', 'store scan --pick cheapest --json'))
    .action((flags: ScanFlags) => {
      const limit = integerArgument(flags.hits, '--hits', 1, 100);
      return withSession(context, flags, (session) => scan(session, flags, limit));
    });

  command('gc', 'drop the scores of weights no longer active; sample bytes stay')
    .option('--dry-run', 'only show what would be removed')
    .addHelpText('after', examples('store gc --dry-run', 'store gc --network testnet'))
    .action((flags: SessionFlags & { dryRun?: boolean | undefined }) =>
      withSession(context, flags, (session) => gc(session, flags)),
    );
}

async function scan({ client, context, config, signal }: SomaSession, flags: ScanFlags, limit: number): Promise<void> {
  const store = await openNetworkStore(context, config, { readonly: true });
  try {
    const keys = new Map((await client.getActiveModels({ signal })).map((model) => [model.id, modelKeyOf(model)]));
    const targets: MatchTarget[] = [];
    const thresholds = new Map<string, number>();
    for await (const target of client.listAllTargets({ status: 'open', signal })) {
      const models = target.modelIds.map((id) => keys.get(id)).filter((key) => key !== undefined);
      if (models.length < target.modelIds.length || target.embedding.length !== store.embeddingDim) continue;
      targets.push({ id: target.id, models, embedding: target.embedding, threshold: target.distanceThreshold });
      thresholds.set(target.id, target.distanceThreshold);
    }
    const hits = await store.match(targets, { pick: flags.pick, limit, signal });
    const row = (hit: MatchHit) => ({
      targetId: hit.targetId,
      sampleId: hit.sampleId,
      origin: store.sample(hit.sampleId).origin,
      distance: hit.distance,
      threshold: thresholds.get(hit.targetId) ?? 0,
      loss: hit.loss,
      sizeBytes: hit.sizeBytes,
      weights: hit.model.checksum,
      nearTie: hit.nearTie,
    });
    const rows = hits.map(row);
    if (flags.json) {
      for (const each of rows) sayJson(context, each);
      return;
    }
    printTable(
      context,
      flags,
      rows,
      [
        { header: 'TARGET', value: (hit) => hit.targetId, shrink: 2 },
        { header: 'SAMPLE', value: (hit) => hit.sampleId, align: 'right' },
        { header: 'DISTANCE', value: (hit) => hit.distance.toFixed(4), align: 'right' },
        { header: 'THRESHOLD', value: (hit) => hit.threshold.toFixed(4), align: 'right' },
        { header: 'BYTES', value: (hit) => hit.sizeBytes, align: 'right' },
        { header: 'ORIGIN', value: (hit) => hit.origin, shrink: 1 },
      ],
      'no stored sample hits an open target',
    );
    const taken = new Set(hits.map((hit) => hit.targetId)).size;
    tell(context, `${taken} of ${targets.length} open targets, ${store.sampleCount} samples`);
  } finally {
    await store.close();
  }
}

async function gc(session: SomaSession, flags: SessionFlags & { dryRun?: boolean | undefined }): Promise<void> {
  const { client, context, config, signal } = session;
  const active = (await client.getActiveModels({ signal })).map(modelKeyOf).filter((key) => key !== undefined);
  if (active.length === 0) {
    throw new QuarryError('FAILED_PRECONDITION', 'this network has no active models: everything would be removed', {
      hint: 'check --network; to drop everything, delete the store directory',
    });
  }
  const store = await openNetworkStore(context, config, { readonly: flags.dryRun === true });
  try {
    const { removed, freedBytes } = flags.dryRun
      ? plannedCollection(store, active)
      : await collectGarbage(store, active);
    const rows = removed.map(({ model, rows }) => ({ ...model, rows }));
    printRecord(context, flags, { dryRun: flags.dryRun === true, removed: rows, freedBytes }, [
      [flags.dryRun ? 'would remove' : 'removed', `scores of ${removed.length} models`],
      ...rows.map(({ checksum, rows }): [string, unknown] => ['', `${checksum}  ${rows} rows`]),
      [flags.dryRun ? 'would free' : 'freed', formatBytes(freedBytes)],
    ]);
  } finally {
    await store.close();
  }
}

function plannedCollection(store: Parameters<typeof storeInfo>[0], active: readonly ModelKey[]) {
  const keep = new Set(active.map((key) => key.checksum));
  const removed = storeInfo(store).models.filter(({ model }) => !keep.has(model.checksum));
  return { removed, freedBytes: removed.reduce((sum, { bytesOnDisk }) => sum + bytesOnDisk, 0) };
}
