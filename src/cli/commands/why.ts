import { Command } from 'commander';
import { QuarryError } from '../../errors/index.js';
import type { PastSubmission } from '../../miner/index.js';
import { shannonsToSoma } from '../../soma/chain/index.js';
import { formatDuration } from '../../text/index.js';
import type { CliContext } from '../context.js';
import { type AskedTarget, askTargets, type Winner } from '../history/ask-targets.js';
import { isoTime, submissionJson } from '../history/submission-json.js';
import { withHistory } from '../history/with-history.js';
import { examples, say, sayJson } from '../print.js';
import { configOf } from '../settings-options.js';
import { type SessionFlags, withNetwork } from '../soma-session.js';

interface WhyFlags extends SessionFlags {
  readonly offline?: boolean | undefined;
}

const TARGET_ID = /^0x[0-9a-f]{64}$/;

/** `quarry why`: the history of one target or sample. */
export function whyCommand(context: CliContext): Command {
  const command = new Command('why')
    .argument('<target|sample>', 'id of a target, checksum of a sample, or digest of a submission; a prefix will do')
    .description(
      'everything known about one target or sample: when it was seen and sent, the answer, who won, what else was near',
    )
    .option('--offline', 'use only the journal, not the node or the store')
    .addHelpText('after', examples('why 0x3f2a…', 'why 0x3f2a --json', 'why 9c41 --offline'));
  return withNetwork(command, ['stateDir']).action(async (id: string, flags: WhyFlags) => {
    const prefix = prefixOf(id);
    const config = await configOf(context, { ...flags });
    const found = await withHistory(context, config, (history) => history.find(prefix));
    const known = found.map(({ targetId }) => targetId);
    // With its full id, a target without submissions can be explained, too.
    const targets = [...new Set(known.length === 0 && TARGET_ID.test(prefix) ? [prefix] : known)];
    const asked = flags.offline ? new Map<string, AskedTarget>() : await askTargets(context, flags, targets);
    if (found.length === 0) return untried(context, flags, prefix, asked.get(prefix));
    for (const submission of found) {
      const about = asked.get(submission.targetId);
      if (flags.json) sayJson(context, { ...submissionJson(submission), ...aboutJson(about) });
      else say(context, story(submission, about));
    }
  });
}

/** Prints what is known about a target without submissions. */
function untried(context: CliContext, flags: WhyFlags, id: string, about: AskedTarget | undefined): void {
  if (about === undefined) {
    throw new QuarryError('NOT_FOUND', `the journal has no target or sample "${id.slice(0, 80)}"`, {
      hint: 'for targets without a submission, give the full id: the node knows them while it keeps them',
    });
  }
  const { target, winner, candidates } = about;
  const { id: targetId, generationEpoch: epoch, distanceThreshold: threshold } = target;
  if (flags.json) {
    sayJson(context, { targetId, outcome: null, epoch, threshold, ...aboutJson(about) });
    return;
  }
  const lines = [
    `target ${targetId}, epoch ${epoch}, ${shannonsToSoma(target.rewardPoolShannons)} SOMA`,
    `  ${winner.status.padEnd(10)} no submission from here; its threshold is ${threshold.toFixed(6)}`,
    ...candidateLines(candidates),
  ];
  if (winner.submitter !== undefined)
    lines.push(`  won by     ${winner.submitter}${winnerDistance(winner, undefined)}`);
  if (winner.atMs !== undefined) lines.push(`  won at     ${isoTime(winner.atMs)}`);
  say(context, lines.join('\n'));
}

function aboutJson(about: AskedTarget | undefined): Partial<Omit<AskedTarget, 'target'>> {
  return about === undefined ? {} : { winner: about.winner, candidates: about.candidates };
}

/** Lists the closest samples currently in the store, one per line. */
function candidateLines(candidates: AskedTarget['candidates'] = []): string[] {
  return candidates.map(({ distance, isHit, checksum, origin }, i) => {
    const name = i === 0 ? 'stored' : '';
    return `  ${name.padEnd(10)} ${distance.toFixed(6)} ${isHit ? 'hits  ' : 'misses'} ${checksum.slice(0, 16)}… ${origin}`;
  });
}

/** @throws QuarryError `USAGE` when the prefix is too short to be selective */
function prefixOf(id: string): string {
  const text = id.replace(/…$/, '');
  if (text.replace(/^0x/i, '').length >= 4 && /^[0-9A-Za-z]+$/.test(text)) {
    return /^0x/i.test(text) ? text.toLowerCase() : text;
  }
  throw new QuarryError('USAGE', `"${id.slice(0, 80)}" is too short for a target or sample: at least four characters`);
}

function story(submission: PastSubmission, about: AskedTarget | undefined): string {
  const winner = about?.winner;
  const { outcome, reason, origin, distance, threshold, claim, latencyMs } = submission;
  const lines = [
    `target ${submission.targetId}, epoch ${submission.epoch}, ${shannonsToSoma(submission.poolShannons)} SOMA`,
    `  sample     ${submission.checksum}${origin === undefined ? '' : `, ${originText(origin)}`}`,
    `  model      ${submission.modelId}`,
  ];
  if (distance !== undefined)
    lines.push(`  distance   ${distance.toFixed(6)} of at most ${threshold?.toFixed(6) ?? '?'}`);
  for (const line of candidateLines(about?.candidates)) lines.push(line);
  if (submission.seenAtMs !== undefined) lines.push(`  seen       ${seenText(submission)}`);
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

/** The origin of a searched sample is already a sentence. */
function originText(origin: string): string {
  return origin.startsWith('searched ') ? origin : `from ${origin}`;
}

function seenText({ seenAtMs = 0, node, atMs }: PastSubmission): string {
  const where = node === undefined ? '' : ` on ${node}`;
  return `${isoTime(seenAtMs)}${where}, ${formatDuration(Math.max(0, atMs - seenAtMs))} before the submission was signed`;
}

function winnerDistance({ distance }: Winner, own: number | undefined): string {
  if (distance === undefined) return '';
  if (own === undefined) return ` at ${distance.toFixed(6)}`;
  const side = distance < own ? 'closer' : 'farther';
  return ` at ${distance.toFixed(6)}, ${Math.abs(distance - own).toFixed(6)} ${side} than ours: the first one wins`;
}

/**
 * Time between the winner's checkpoint and our signature, milliseconds. The network's clock and this machine's may
 * differ.
 */
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
