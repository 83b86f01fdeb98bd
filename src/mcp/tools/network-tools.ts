import { z } from 'zod';
import { objectId, record, shannons } from '../schemas.js';
import { commandTool } from './command-tool.js';

const target = z.looseObject({ id: z.string().optional(), status: z.string().optional() });
const model = z.looseObject({ modelId: z.string(), state: z.string(), stakeShannons: shannons });

/** Removes embeddings, which would only fill the agent's context. */
function withoutVectors<T extends Readonly<Record<string, unknown>>>(row: T): Record<string, unknown> {
  const { embedding: _embedding, winningEmbedding: _winning, ...rest } = row;
  return rest;
}

/** Removes the decryption key: public on chain once the model is revealed, but useless to an agent. */
function modelRow(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { decryptionKey: _key, ...rest } = withoutVectors(row);
  return rest;
}

/** Tools that read a SOMA network. */
export const NETWORK_TOOLS = [
  commandTool({
    name: 'targets_list',
    title: 'List targets',
    description:
      'Targets of the SOMA network: points in embedding space with a distance threshold, models and a reward. The first whose data lies within the threshold earns it.',
    input: z.object({
      status: z.enum(['open', 'filled', 'claimable', 'claimed', 'expired', 'any']).default('open'),
      submitter: objectId.optional().describe('only targets this address filled'),
      limit: z.int().min(1).max(200).default(20),
    }),
    output: z.object({ targets: z.array(target), nextPageToken: z.string().nullable() }),
    args: ({ status, submitter, limit }) => [
      'targets',
      'list',
      `--status=${status}`,
      `--limit=${limit}`,
      submitter !== undefined && `--submitter=${submitter}`,
    ],
    result: ([page]) => ({ ...page, targets: page.targets.map(withoutVectors) }),
  }),
  commandTool({
    name: 'target_explain',
    title: 'Explain a target',
    description: 'One target in full: threshold, reward, models, and once it is filled its winner, distance and data.',
    input: z.object({ targetId: objectId }),
    output: z.looseObject({
      id: z.string(),
      status: z.string(),
      distanceThreshold: z.number(),
      rewardPoolShannons: shannons,
      modelIds: z.array(z.string()),
    }),
    args: ({ targetId }) => ['targets', 'show', targetId],
    result: ([row]) => withoutVectors(row),
  }),
  commandTool({
    name: 'models_list',
    title: 'List models',
    description: 'Models of the network: state, stake, commission, size of their weights.',
    input: z.object({ state: z.enum(['created', 'pending', 'active', 'inactive', 'any']).default('any') }),
    output: z.object({ models: z.array(model) }),
    args: ({ state }) => ['models', 'list', `--state=${state}`],
    result: ([{ models }]) => ({ models: models.map(modelRow) }),
  }),
  commandTool({
    name: 'model_explain',
    title: 'Explain a model',
    description: 'One model: owner, stake, commission, epochs, and where its weights are.',
    input: z.object({ modelId: objectId }),
    output: z.object({ found: z.boolean(), model: model.optional() }),
    args: () => ['models', 'list'],
    result: ([{ models }], { modelId }) => {
      const found = models.find((each: { modelId: string }) => each.modelId === modelId.toLowerCase());
      return found === undefined ? { found: false } : { found: true, model: modelRow(found) };
    },
  }),
  commandTool({
    name: 'reach_estimate',
    title: 'Estimate reach',
    description:
      'Share of random targets that the scored samples answer, alone and composed, at several thresholds. Needs the state directory of a miner.',
    input: z.object({ targets: z.int().min(1).max(2_000).default(100) }),
    output: z.object({
      rows: z.array(
        z.looseObject({
          models: z.array(z.string()),
          threshold: z.number(),
          single: z.number().describe('share, 0 to 1, answered by one sample'),
          composed: z.number().describe('share, 0 to 1, answered by several samples joined'),
        }),
      ),
    }),
    args: ({ targets }) => ['store', 'reach', `--targets=${targets}`],
    result: (rows) => ({ rows }),
  }),
  commandTool({
    name: 'claim',
    title: 'Claim rewards',
    description:
      'Claims rewards of filled targets, due two epochs after they were filled: all that are due, or those named.',
    writes: true,
    input: z.object({ targetIds: z.array(objectId).max(100).default([]) }),
    output: z.object({ claimed: z.int(), receivedShannons: shannons, feeShannons: shannons, targets: z.array(record) }),
    args: ({ targetIds }) => ['claim', ...targetIds],
    result: (records) => ({ ...records.at(-1), targets: records.slice(0, -1) }),
  }),
] as const;
