import { z } from 'zod';
import { record, shannons, since } from '../schemas.js';
import { commandTool } from './command-tool.js';

const submission = z.looseObject({ targetId: z.string(), outcome: z.string(), rewardShannons: shannons });

/** Tools that read a miner's journal. */
export const HISTORY_TOOLS = [
  commandTool({
    name: 'history',
    title: 'What was earned',
    description:
      'Accepted, lost and rejected submissions with rewards and fees, summed by day, epoch, model or source.',
    input: z.object({ since: since.optional(), by: z.enum(['day', 'epoch', 'model', 'source']).default('day') }),
    output: z.object({
      rows: z.array(
        z.looseObject({
          accepted: z.int(),
          lost: z.int(),
          rejected: z.int(),
          pending: z.int(),
          rewardShannons: shannons,
          feesShannons: shannons,
        }),
      ),
    }),
    args: ({ since: from, by }) => ['history', `--by=${by}`, from !== undefined && `--since=${from}`],
    result: (rows) => ({ rows }),
  }),
  commandTool({
    name: 'why',
    title: 'Why a target was won or lost',
    description:
      'Everything the journal and the node know about submissions for a target, sample or digest; the first four characters suffice.',
    input: z.object({ id: z.string().regex(/^(0x)?[0-9A-Za-z]{4,88}$/) }),
    output: z.object({ submissions: z.array(submission) }),
    args: ({ id }) => ['why', id],
    result: (submissions) => ({ submissions }),
  }),
  commandTool({
    name: 'profit_estimate',
    title: 'Estimate profit',
    description: 'Rewards, fees and outstanding bonds since a time, and the daily rate.',
    input: z.object({ since: since.default('7d') }),
    output: z.looseObject({
      days: z.number(),
      accepted: z.int(),
      earnedShannons: shannons,
      feesShannons: shannons,
      netShannons: shannons,
      bondsOutShannons: shannons,
      forecastPerDayShannons: shannons.optional().describe('absent during the first hour'),
    }),
    args: ({ since: from }) => ['profit', `--since=${from}`],
    result: ([profit]) => profit,
  }),
  commandTool({
    name: 'doctor',
    title: 'What runs here',
    description: 'Processor, memory and engines of this machine, and why others do not run.',
    input: z.object({}),
    output: record,
    args: () => ['doctor'],
    result: (records) => records[0],
  }),
] as const;
