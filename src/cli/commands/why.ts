import { Command } from 'commander';
import { QuarryError } from '../../errors/index.js';
import type { PastSubmission } from '../../miner/index.js';
import { scalarValue, shannonsToSoma } from '../../soma/chain/index.js';
import { formatDuration } from '../../text/index.js';
import type { CliContext } from '../context.js';
import { isoTime, submissionJson } from '../history/submission-json.js';
import { withHistory } from '../history/with-history.js';
import { wonAt } from '../history/won-at.js';
import { examples, say, sayJson, tell } from '../print.js';
import { configOf } from '../settings-options.js';
import { type SessionFlags, withNetwork, withSession } from '../soma-session.js';

interface WhyFlags extends SessionFlags {
  readonly offline?: boolean | undefined;
}

/** Who won a target, as the node says. */
interface Winner {
  readonly submitter: string | undefined;
  readonly distance: number | undefined;
  readonly status: string;
  /** When its submission was checkpointed, milliseconds since the Unix epoch. */
  readonly atMs: number | undefined;
}

/** `quarry why`: the story of one target or sample. */
export function whyCommand(context: CliContext): Command {
  const command = new Command('why')
    .argument(
      '<target|sample>',
      'id of a target, checksum of a sample, or digest of a submission; its beginning will do',
    )
    .description('everything that is known about one target or sample: sent when, answered what, won by whom')
    .option('--offline', 'ask the journal only, not the node who won')
    .addHelpText('after', examples('why 0x3f2a…', 'why 0x3f2a --json', 'why 9c41 --offline'));
  return withNetwork(command, ['stateDir']).action(async (id: string, flags: WhyFlags) => {
    const prefix = prefixOf(id);
    const config = await configOf(context, { ...flags });
    const found = await withHistory(context, config, (history) => history.find(prefix));
    if (found.length === 0) {
      throw new QuarryError('NOT_FOUND', `the journal knows no target or sample "${id.slice(0, 80)}"`, {
        hint: 'targets that nothing was submitted for are not kept: quarry targets show asks the network',
      });
    }
    const targets = [...new Set(found.map(({ targetId }) => targetId))];
    const winners = flags.offline ? new Map<string, Winner>() : await askWinners(context, flags, targets);
    for (const submission of found) {
      const winner = winners.get(submission.targetId);
      if (flags.json) sayJson(context, { ...submissionJson(submission), winner });
      else say(context, story(submission, winner));
    }
  });
}

/** @throws QuarryError `USAGE` when so little would match anything */
function prefixOf(id: string): string {
  const text = id.replace(/…$/, '');
  if (text.replace(/^0x/i, '').length >= 4 && /^[0-9A-Za-z]+$/.test(text)) {
    return /^0x/i.test(text) ? text.toLowerCase() : text;
  }
  throw new QuarryError('USAGE', `"${id.slice(0, 80)}" names no target or sample: four characters at least`);
}

/** Best effort: what the journal knows is told without a node, too. */
async function askWinners(
  context: CliContext,
  flags: WhyFlags,
  targets: readonly string[],
): Promise<ReadonlyMap<string, Winner>> {
  const winners = new Map<string, Winner>();
  try {
    await withSession(context, flags, async ({ client, signal }) => {
      for (const targetId of targets) {
        const { target } = await client.getStoredTarget(targetId, { signal });
        const { status, submitter, winningDistanceScore: distance } = target;
        const value = distance === undefined ? undefined : scalarValue(distance);
        const atMs = submitter === undefined ? undefined : await wonAt(client, targetId, submitter, signal);
        winners.set(targetId, { status: status.kind, submitter, distance: value, atMs });
      }
    });
  } catch (error) {
    if (!(error instanceof QuarryError) || error.code === 'ABORTED') throw error;
    // Claimed targets are pruned: then the node knows no more than the journal.
    if (error.code !== 'NOT_FOUND') tell(context, `who won is not known: ${error.message}`);
  }
  return winners;
}

function story(submission: PastSubmission, winner: Winner | undefined): string {
  const { outcome, reason, origin, distance, threshold, claim, latencyMs } = submission;
  const lines = [
    `target ${submission.targetId}, epoch ${submission.epoch}, ${shannonsToSoma(submission.poolShannons)} SOMA`,
    `  sample     ${submission.checksum}${origin === undefined ? '' : `, from ${origin}`}`,
    `  model      ${submission.modelId}`,
  ];
  if (distance !== undefined)
    lines.push(`  distance   ${distance.toFixed(6)} of at most ${threshold?.toFixed(6) ?? '?'}`);
  lines.push(
    `  signed     ${isoTime(submission.atMs)}, digest ${submission.digest}, bond ${shannonsToSoma(submission.bondShannons)} SOMA`,
  );
  const after = latencyMs === undefined ? '' : `, ${formatDuration(latencyMs)} after the hit was possible`;
  const because = reason === undefined ? '' : `: ${reason}`;
  const at = submission.settledAtMs === undefined ? '' : ` ${isoTime(submission.settledAtMs)}`;
  lines.push(`  ${outcome === 'built' ? 'pending' : outcome.padEnd(10)}${at}${because}${after}`);
  if (winner?.submitter !== undefined && outcome !== 'accepted') {
    lines.push(`  won by     ${winner.submitter}${winnerDistance(winner, distance)}`);
    if (winner.atMs !== undefined)
      lines.push(`  won at     ${isoTime(winner.atMs)}${lead(winner.atMs - submission.atMs)}`);
  }
  if (claim !== undefined) lines.push(`  claim      ${claimText(submission)}`);
  return lines.join('\n');
}

function winnerDistance({ distance }: Winner, own: number | undefined): string {
  if (distance === undefined) return '';
  if (own === undefined) return ` at ${distance.toFixed(6)}`;
  const side = distance < own ? 'closer' : 'farther';
  return ` at ${distance.toFixed(6)}, ${Math.abs(distance - own).toFixed(6)} ${side} than ours: the first one wins`;
}

/** How the winner's checkpoint lies to our signature, milliseconds; the network's clock and this machine's may differ. */
function lead(ms: number): string {
  return `, its checkpoint ${formatDuration(Math.abs(ms))} ${ms < 0 ? 'before' : 'after'} ours was signed`;
}

function claimText({ claim, rewardShannons }: PastSubmission): string {
  switch (claim?.state) {
    case 'claimed':
      return `paid ${shannonsToSoma(rewardShannons)} SOMA${claim.settledAtMs === undefined ? '' : ` ${isoTime(claim.settledAtMs)}`}`;
    case 'gone':
      return 'nothing was left to claim';
    default:
      return `due from epoch ${claim?.dueEpoch}: ${shannonsToSoma(rewardShannons)} SOMA`;
  }
}
