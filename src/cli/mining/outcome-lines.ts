import { shannonsToSoma } from '../../soma/chain/index.js';
import { plainText, type Style } from '../../text/index.js';
import type { OutcomeBurst, OutcomeEvent } from './outcome-bursts.js';
import { shortId } from './short-id.js';

/** Up to this many outcomes are printed individually. */
const SINGLE = 3;

/** Formats a burst: one line per outcome if there are few, one line in total if many. */
export function outcomeLines({ outcomes }: OutcomeBurst, style: Style): string[] {
  return outcomes.length <= SINGLE ? outcomes.map((event) => oneLine(event, style)) : [burstLine(outcomes, style)];
}

function oneLine(event: OutcomeEvent, style: Style): string {
  const { targetId, distance, threshold, rewardShannons, origin, latencyMs } = event;
  const closeness = `${distance.toFixed(4)} ${style.dim(`< ${threshold.toFixed(4)}`)}`;
  const from = `${style.dim(plainText(origin))} (${Math.round(latencyMs)} ms)`;
  return `${heading(event, style)}  ${shortId(targetId)}  ${closeness}  ${shannonsToSoma(rewardShannons)} SOMA  ${from}`;
}

function burstLine(outcomes: OutcomeBurst['outcomes'], style: Style): string {
  let reward = 0n;
  const origins = new Set<string>();
  for (const { rewardShannons, origin } of outcomes) {
    reward += rewardShannons;
    origins.add(origin.replace(/@\d+$/, ''));
  }
  const latencies = outcomes.map(({ latencyMs }) => Math.round(latencyMs)).sort((a, b) => a - b);
  const closest = Math.min(...outcomes.map(({ distance }) => distance)).toFixed(4);
  const [origin] = origins;
  const from = origins.size === 1 ? plainText(origin ?? '') : `${origins.size} sources`;
  const took = `(${latencies[0]} to ${latencies.at(-1)} ms)`;
  const { dim } = style;
  return `${heading(outcomes[0], style)}  ${outcomes.length} targets  ${dim(`closest ${closest}`)}  ${shannonsToSoma(reward)} SOMA  ${dim(from)} ${took}`;
}

function heading({ outcome }: OutcomeEvent, { green, yellow, red }: Style): string {
  const word = {
    accepted: green('accepted'),
    lost: yellow('lost    '),
    rejected: red('rejected'),
    unknown: yellow('unknown '),
  }[outcome.kind];
  return 'reason' in outcome ? `${word} "${plainText(outcome.reason)}"` : word;
}
