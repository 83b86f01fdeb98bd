import { once } from 'node:events';
import { z } from 'zod';
import { QuarryError } from '../../errors/index.js';
import type { AgentHost } from '../agent-host.js';
import { shannons } from '../schemas.js';
import { assertConfirmed, defineTool, type ToolCall } from '../tool.js';

const standing = z.looseObject({ state: z.enum(['not started', 'starting', 'running', 'ended']), accepted: z.int() });
const nothing = z.object({});

/** 0.01 SOMA in shannons. */
const USUAL_BOND = 10_000_000n;

function defaultBond({ maxBondShannons = USUAL_BOND }: AgentHost): bigint {
  return maxBondShannons < USUAL_BOND ? maxBondShannons : USUAL_BOND;
}

/**
 * Public data that an agent can mine without the user naming it. Queries are not allowed: a URL template in one would
 * make the miner fetch any URL the agent chooses.
 */
const PUBLIC_DATA = /^(hf:[\w.-]+\/[\w./-]+|stack-v2|synthetic(:\d+)?(\?seed=\d+)?)$/;

/**
 * Arguments for the miner's data. Submitted bytes become public, so agents can choose only public datasets and those
 * named in the user's settings, never local files.
 */
function dataArgs(host: AgentHost, data: readonly string[] | undefined): string[] {
  for (const each of data ?? []) {
    if (PUBLIC_DATA.test(each) || host.data.includes(each)) continue;
    throw new QuarryError('PERMISSION_DENIED', `"${each}" is not in the user's settings`, {
      hint: 'use a public dataset (hf:owner/name, stack-v2, synthetic), or let the user add it to data in quarry.yaml',
    });
  }
  return (data ?? []).map((each) => `--data=${each}`);
}

/** Tools that start, control and watch a miner. */
export const MINER_TOOLS = [
  defineTool({
    name: 'miner_start',
    title: 'Start mining',
    description:
      "Starts a miner in this process with the user's settings. Every submission locks a bond; unless it is a dry run, the user is asked first. Returns once it runs.",
    writes: true,
    input: z.object({
      data: z.array(z.string()).max(16).optional().describe("default: the data in the user's settings"),
      maxAccepted: z.int().min(1).optional().describe('stop after this many accepted submissions'),
      maxBondShannons: shannons
        .optional()
        .describe("largest bond of one submission; default: 10000000, or the limit in the user's settings if lower"),
      dryRun: z.boolean().default(false).describe('find hits, submit nothing'),
      confirmBondShannons: shannons
        .optional()
        .describe('the largest bond the user agreed to; only if this program cannot ask the user itself'),
    }),
    output: standing,
    async call({ data, maxAccepted, maxBondShannons, dryRun, confirmBondShannons }, call) {
      const { host, miner } = call;
      const bond = maxBondShannons === undefined ? defaultBond(host) : BigInt(maxBondShannons);
      const args = dataArgs(host, data);
      const question = `Start a miner that locks up to ${bond} shannons for every submission${maxAccepted === undefined ? '' : `, until ${maxAccepted} are accepted`}?`;
      if (!dryRun) await assertConfirmed(call, question, bond, confirmBondShannons);
      await miner.start([
        ...args,
        `--max-bond-soma=${bond / 1_000_000_000n}.${String(bond % 1_000_000_000n).padStart(9, '0')}`,
        ...(maxAccepted === undefined ? [] : [`--max-accepted=${maxAccepted}`]),
        ...(dryRun ? ['--dry-run'] : []),
      ]);
      return miner.status();
    },
  }),
  defineTool({
    name: 'miner_status',
    title: 'Status of the miner',
    description: 'State, totals, rates, models, nodes, balance and the last warning of the miner.',
    input: nothing,
    output: standing,
    call: (_input, { miner }) => miner.status(),
  }),
  defineTool({
    name: 'miner_wait',
    title: 'Wait for the miner',
    description:
      'Waits until that many submissions are accepted or the miner has ended, reporting progress; can be cancelled at any time.',
    input: z.object({ accepted: z.int().min(1).default(1) }),
    output: standing,
    async call({ accepted }, { miner, signal, progress }: ToolCall) {
      miner.events.on('change', progress);
      try {
        while (miner.isRunning && miner.accepted < accepted) await once(miner.events, 'change', { signal });
        return await miner.status();
      } finally {
        miner.events.off('change', progress);
      }
    },
  }),
  ...(['pause', 'resume'] as const).map((verb) =>
    defineTool({
      name: `miner_${verb}`,
      title: verb === 'pause' ? 'Pause the miner' : 'Resume the miner',
      description:
        verb === 'pause' ? 'Stops scoring and submitting; targets are still followed.' : 'Resumes after a pause.',
      writes: true,
      input: nothing,
      output: standing,
      async call(_input, { miner }) {
        await miner.order(verb);
        return miner.status();
      },
    }),
  ),
  defineTool({
    name: 'miner_stop',
    title: 'Stop the miner',
    description: 'Lets submissions in flight finish, then ends the miner and returns its summary.',
    writes: true,
    input: nothing,
    output: standing,
    async call(_input, { miner }) {
      await miner.stop();
      return miner.status();
    },
  }),
] as const;
