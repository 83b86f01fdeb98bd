import { Command, Option } from 'commander';
import { QuarryError } from '../../errors/index.js';
import { digestFromBytes, shannonsToSoma } from '../../soma/chain/index.js';
import type { ModelManifest } from '../../soma/client/decode/index.js';
import type { Model, ModelState } from '../../soma/client/decode/model.js';
import type { Column } from '../../text/index.js';
import { formatBytes } from '../../text/index.js';
import type { CliContext } from '../context.js';
import { idArgument } from '../parse-argument.js';
import { examples, sayJson } from '../print.js';
import { type SessionFlags, withNetwork, withSession } from '../soma-session.js';
import { addTableFlags, printTable, type TableFlags } from '../table.js';
import { addFetchCommand } from './models/fetch.js';
import { addGenerateCommand } from './models/generate.js';
import { addPublishCommand } from './models/publish.js';

interface ManifestFlags extends SessionFlags, TableFlags {
  readonly target?: string | undefined;
}

/** `quarry models`. */
export function modelsCommand(context: CliContext): Command {
  const models = new Command('models').description('list, fetch, generate and publish models');

  addTableFlags(withNetwork(models.command('list').description('the models of the registry')))
    .addOption(
      new Option('--state <state>', 'only models in this state')
        .choices(['created', 'pending', 'active', 'inactive', 'any'])
        .default('any'),
    )
    .addHelpText('after', examples('models list', 'models list --state active --json'))
    .action((flags: SessionFlags & TableFlags & { state: ModelState | 'any' }) =>
      withSession(context, flags, async ({ client, signal }) => {
        const all = await client.getModels({ signal });
        const shown = all.filter(({ state }) => flags.state === 'any' || state === flags.state);
        if (flags.json) sayJson(context, { models: shown.map(modelJson) });
        else
          printTable(
            context,
            flags,
            shown,
            MODEL_COLUMNS,
            flags.state === 'any' ? 'no models' : `no ${flags.state} models`,
          );
      }),
    );

  addTableFlags(
    withNetwork(models.command('manifests [ids...]').description("locations and keys of the models' weights")),
  )
    .option('--target <id>', 'the models of this target, in its order')
    .addHelpText('after', examples('models manifests 0x…', 'models manifests --target 0x… --json'))
    .action((ids: string[], flags: ManifestFlags) => manifests(context, ids, flags));

  addFetchCommand(models, context);
  addGenerateCommand(models, context);
  addPublishCommand(models, context);
  return models;
}

async function manifests(context: CliContext, ids: readonly string[], flags: ManifestFlags) {
  if ((flags.target === undefined) === (ids.length === 0)) {
    throw new QuarryError('USAGE', 'name models by id, or a target with --target');
  }
  const modelIds = ids.map((id) => idArgument(id, 'model'));
  const targetId = flags.target === undefined ? undefined : idArgument(flags.target, 'target');
  await withSession(context, flags, async ({ client, signal }) => {
    const wanted = targetId === undefined ? modelIds : (await client.getTarget(targetId, { signal })).modelIds;
    const found = await client.getModelManifests(wanted, { signal });
    const rows = wanted.map((modelId, index) => ({ modelId, manifest: found[index] }));
    if (flags.json) {
      sayJson(context, { manifests: rows.map(({ modelId, manifest }) => ({ modelId, ...manifestJson(manifest) })) });
    } else printTable(context, flags, rows, MANIFEST_COLUMNS, 'the target names no models');
    const missing = rows.filter(({ manifest }) => manifest === undefined);
    if (missing.length === 0) return;
    throw new QuarryError('NOT_FOUND', `${missing.length} of ${rows.length} models have published no weights`, {
      hint: 'see their state: quarry models list',
      details: { modelId: missing[0]?.modelId },
    });
  });
}

function manifestJson(manifest: ModelManifest | undefined): Record<string, unknown> {
  if (manifest === undefined) return { url: null };
  const key = manifest.decryptionKey;
  return {
    url: manifest.url,
    // Base58, as in the network's own SDK.
    checksum: digestFromBytes(manifest.checksum),
    checksumHex: Buffer.from(manifest.checksum).toString('hex'),
    sizeBytes: Number(manifest.size),
    decryptionKey: key === undefined ? null : digestFromBytes(key),
    decryptionKeyHex: key === undefined ? null : Buffer.from(key).toString('hex'),
  };
}

const MANIFEST_COLUMNS: readonly Column<{ readonly modelId: string; readonly manifest: ModelManifest | undefined }>[] =
  [
    { header: 'MODEL', value: (row) => row.modelId, shrink: 3 },
    { header: 'SIZE', value: ({ manifest }) => manifest && formatBytes(Number(manifest.size)), align: 'right' },
    {
      header: 'CHECKSUM',
      value: ({ manifest }) => manifest && Buffer.from(manifest.checksum).toString('hex'),
      shrink: 4,
    },
    {
      header: 'KEY',
      value: ({ manifest }) => manifest?.decryptionKey && digestFromBytes(manifest.decryptionKey),
      shrink: 1,
    },
    { header: 'URL', value: ({ manifest }) => manifest?.url, shrink: 2 },
  ];

function modelJson(model: Model): Record<string, unknown> {
  const { manifest, stakingPool } = model;
  return {
    modelId: model.id,
    state: model.state,
    owner: model.owner,
    architectureVersion: model.architectureVersion,
    commissionRateBps: model.commissionRate,
    nextEpochCommissionRateBps: model.nextEpochCommissionRate,
    stakeShannons: stakingPool.somaBalance,
    stakingPoolId: stakingPool.id,
    createEpoch: model.createEpoch,
    commitEpoch: model.commitEpoch,
    ...(manifest !== undefined && { url: manifest.url }),
    ...(manifest !== undefined && { checksum: Buffer.from(manifest.checksum).toString('hex') }),
    ...(manifest !== undefined && { sizeBytes: Number(manifest.size) }),
    ...(model.decryptionKey !== undefined && { decryptionKey: digestFromBytes(model.decryptionKey) }),
    ...(model.pendingUpdate !== undefined && { pendingUpdateEpoch: model.pendingUpdate.commitEpoch }),
    embedding: model.embedding,
  };
}

const MODEL_COLUMNS: readonly Column<Model>[] = [
  { header: 'MODEL', value: (model) => model.id, shrink: 1 },
  { header: 'STATE', value: (model) => model.state },
  { header: 'STAKE SOMA', value: (model) => shannonsToSoma(model.stakingPool.somaBalance), align: 'right' },
  { header: 'COMMISSION', value: (model) => `${Number(model.commissionRate) / 100} %`, align: 'right' },
  { header: 'SIZE', value: ({ manifest }) => manifest && formatBytes(Number(manifest.size)), align: 'right' },
  { header: 'OWNER', value: (model) => model.owner, shrink: 2 },
];
