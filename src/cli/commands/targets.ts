import { Command, Option } from 'commander';
import { isAbort } from '../../errors/index.js';
import { scalarValue, shannonsToSoma } from '../../soma/chain/index.js';
import type { PartialTarget } from '../../soma/client/decode/target.js';
import type { ListTargetsOptions, StoredTarget, TargetFilter } from '../../soma/client/read/index.js';
import type { TargetEvent } from '../../soma/client/watch/watch-targets.js';
import type { Column } from '../../text/index.js';
import type { CliContext } from '../context.js';
import { hexArgument, idArgument, integerArgument, u64Argument } from '../parse-argument.js';
import { examples, printRecord, say, sayJson, tell } from '../print.js';
import { type SessionFlags, type SomaSession, withNetwork, withSession } from '../soma-session.js';
import { addTableFlags, printTable, type TableFlags } from '../table.js';

interface ListFlags extends SessionFlags, TableFlags {
  readonly status: TargetFilter;
  readonly epoch?: string | undefined;
  readonly submitter?: string | undefined;
  readonly limit?: string | undefined;
  readonly readMask?: string | undefined;
  readonly pageToken?: string | undefined;
  readonly all?: boolean | undefined;
}

/** `quarry targets`. */
export function targetsCommand(context: CliContext): Command {
  const targets = new Command('targets').description('list, show and watch targets');

  addTableFlags(withNetwork(targets.command('list').description('one page of targets, or all of them')))
    .addOption(
      new Option('--status <status>', 'which targets')
        .choices(['open', 'filled', 'claimable', 'claimed', 'expired', 'any'])
        .default('open'),
    )
    .option('--epoch <n>', 'only targets of this epoch')
    .option('--submitter <address>', 'only targets this address filled')
    .option('--limit <n>', 'targets per page, 1 to 1000 (default: 100)')
    .option('--read-mask <fields>', 'only these fields, comma-separated: id,status,embedding,model_ids,…')
    .option('--page-token <hex>', 'continue after an earlier page; the other flags must be the same')
    .option('--all', 'every page; with --json one target per line')
    .addHelpText(
      'after',
      examples(
        'targets list --limit 10',
        'targets list --status claimable --submitter 0x… --all --json',
        'targets list --read-mask id,reward_pool,distance_threshold --json',
      ),
    )
    .action((flags: ListFlags) => {
      const options = listOptions(flags);
      return withSession(context, flags, (session) => list(session, flags, options));
    });

  withNetwork(targets.command('show <id>').description('one target, with its winning submission'))
    .addHelpText('after', examples('targets show 0x…', 'targets show 0x… --json'))
    .action((id: string, flags: SessionFlags) => {
      const targetId = idArgument(id, 'target');
      return withSession(context, flags, async ({ client, signal }) => {
        const stored = await client.getStoredTarget(targetId, { signal });
        printRecord(context, flags, targetJson(stored), targetFields(stored));
      });
    });

  withNetwork(targets.command('watch').description('follow targets as checkpoints open, fill and expire them'))
    .option('--until-synced', 'exit once the currently open targets have been listed')
    .addHelpText('after', examples('targets watch', 'targets watch --json | jq .type'))
    .action((flags: SessionFlags & { untilSynced?: boolean | undefined }) =>
      withSession(context, flags, (session) => watch(session, flags)),
    );
  return targets;
}

function listOptions(flags: ListFlags): ListTargetsOptions {
  return {
    status: flags.status,
    ...(flags.epoch !== undefined && { epoch: u64Argument(flags.epoch, '--epoch') }),
    ...(flags.submitter !== undefined && { submitter: idArgument(flags.submitter, 'submitter') }),
    ...(flags.limit !== undefined && { limit: integerArgument(flags.limit, '--limit', 1, 1000) }),
    readMask: flags.readMask,
    ...(flags.pageToken !== undefined && { pageToken: hexArgument(flags.pageToken, '--page-token') }),
  };
}

async function list({ client, context, signal }: SomaSession, flags: ListFlags, options: ListTargetsOptions) {
  const rows: PartialTarget[] = [];
  if (flags.all) {
    const { pageToken: _pageToken, ...all } = options;
    for await (const target of client.listAllTargets({ ...all, signal })) {
      if (flags.json) sayJson(context, target);
      else rows.push(target);
    }
    if (flags.json) return;
  } else {
    const page = await client.listTargets({ ...options, signal });
    const nextPageToken =
      page.nextPageToken === undefined ? undefined : Buffer.from(page.nextPageToken).toString('hex');
    if (flags.json) return sayJson(context, { targets: page.targets, nextPageToken: nextPageToken ?? null });
    for (const target of page.targets) rows.push(target);
    if (nextPageToken !== undefined) tell(context, `more targets follow: use --all, or --page-token ${nextPageToken}`);
  }
  // Omit columns without values: the read mask left them out.
  const columns = COLUMNS.filter((column) => rows.some((row) => column.value(row) !== undefined));
  printTable(context, flags, rows, columns, EMPTY[flags.status] ?? `no ${flags.status} targets`);
}

/** Message for an empty list, if `no <status> targets` does not fit. */
const EMPTY: Readonly<Record<string, string>> = {
  any: 'no targets',
  claimed: 'no claimed targets: the network deletes a target when it is claimed; quarry history lists yours',
};

const COLUMNS: readonly Column<PartialTarget>[] = [
  { header: 'TARGET', value: (target) => target.id, shrink: 2 },
  { header: 'STATUS', value: (target) => target.status },
  { header: 'EPOCH', value: (target) => target.generationEpoch, align: 'right' },
  { header: 'THRESHOLD', value: (target) => target.distanceThreshold?.toFixed(4), align: 'right' },
  {
    header: 'REWARD SOMA',
    value: ({ rewardPoolShannons }) =>
      rewardPoolShannons === undefined ? undefined : shannonsToSoma(rewardPoolShannons),
    align: 'right',
  },
  { header: 'MODELS', value: (target) => target.modelIds?.length, align: 'right' },
  { header: 'SUBMITTER', value: (target) => target.submitter, shrink: 3 },
  { header: 'DATA', value: (target) => target.dataUrl, shrink: 4 },
];

/** Converts a stored target to plain data: tensors become arrays and numbers, checksums hex. */
function targetJson({ object, target }: StoredTarget): Record<string, unknown> {
  const { status, winningDataManifest: data, winningDistanceScore, winningLossScore } = target;
  return {
    id: object.objectId,
    status: status.kind,
    generationEpoch: target.generationEpoch,
    ...(status.kind === 'filled' && { fillEpoch: status.fillEpoch }),
    distanceThreshold: scalarValue(target.distanceThreshold),
    rewardPoolShannons: target.rewardPool,
    bondShannons: target.bondAmount,
    modelIds: target.modelIds,
    submitter: target.submitter,
    winningModelId: target.winningModelId,
    winningModelOwner: target.winningModelOwner,
    ...(winningDistanceScore !== undefined && { winningDistance: scalarValue(winningDistanceScore) }),
    ...(winningLossScore !== undefined && { winningLoss: scalarValue(winningLossScore) }),
    ...(data !== undefined && {
      winningData: {
        url: data.url,
        checksum: Buffer.from(data.checksum).toString('hex'),
        sizeBytes: Number(data.size),
      },
    }),
    reports: target.submissionReports,
    embedding: target.embedding.values,
    ...(target.winningEmbedding !== undefined && { winningEmbedding: target.winningEmbedding.values }),
    version: object.version,
  };
}

function targetFields(stored: StoredTarget): [string, unknown][] {
  const { target } = stored;
  const data = target.winningDataManifest;
  const fields: [string, unknown][] = [
    ['target', stored.object.objectId],
    ['status', target.status.kind],
    ['epoch', target.generationEpoch],
    ['threshold', scalarValue(target.distanceThreshold).toFixed(4)],
    ['reward', `${shannonsToSoma(target.rewardPool)} SOMA`],
    ...target.modelIds.map((id, index): [string, unknown] => [index === 0 ? 'models' : '', id]),
    ['embedding', `${target.embedding.values.length} values (--json shows them)`],
  ];
  if (target.status.kind !== 'filled') return fields;
  fields.push(
    ['filled in', `epoch ${target.status.fillEpoch}`],
    ['submitter', target.submitter],
    ['bond', `${shannonsToSoma(target.bondAmount)} SOMA`],
    ['winner', target.winningModelId],
    ['winner owner', target.winningModelOwner],
  );
  if (target.winningDistanceScore !== undefined) {
    fields.push(['distance', scalarValue(target.winningDistanceScore).toFixed(6)]);
  }
  if (target.winningLossScore !== undefined) fields.push(['loss', scalarValue(target.winningLossScore).toFixed(6)]);
  if (data !== undefined) {
    fields.push(
      ['data', data.url],
      ['data bytes', data.size],
      ['data hash', Buffer.from(data.checksum).toString('hex')],
    );
  }
  if (target.submissionReports.length > 0) fields.push(['reports', target.submissionReports.length]);
  return fields;
}

async function watch(session: SomaSession, flags: SessionFlags & { untilSynced?: boolean | undefined }): Promise<void> {
  const { client, context, signal } = session;
  try {
    const events = client.watchTargets({
      signal,
      onReconnect: (error) => tell(context, `the stream broke off, reconnecting: ${error.message}`),
    });
    for await (const event of events) {
      if (flags.json) sayJson(context, event);
      else say(context, eventLine(event, context));
      if (event.type === 'synced' && flags.untilSynced) return;
    }
  } catch (error) {
    // Interruption is the normal end of watching, which the exit code reflects.
    if (!isAbort(error) || !signal.aborted) throw error;
  }
}

function eventLine(event: TargetEvent, { style }: CliContext): string {
  switch (event.type) {
    case 'opened': {
      const { id, distanceThreshold, rewardPoolShannons, modelIds } = event.target;
      const models = `${modelIds.length} model${modelIds.length === 1 ? '' : 's'}`;
      return `${style.green('opened ')}  ${id}  ≤ ${distanceThreshold.toFixed(4)}  ${shannonsToSoma(rewardPoolShannons)} SOMA  ${models}`;
    }
    case 'filled': {
      const by = event.submitter === undefined ? '' : `  by ${event.submitter}`;
      const at = event.distance === undefined ? '' : `  at ${event.distance.toFixed(4)}`;
      return `${style.yellow('filled ')}  ${event.targetId}${at}${by}`;
    }
    case 'expired':
      return `${style.dim('expired')}  ${event.targetId}`;
    case 'epoch':
      return style.bold(`epoch    ${event.epoch}`);
    case 'synced':
      return style.dim(`synced   ${event.open} open`);
  }
}
