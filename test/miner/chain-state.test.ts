import { expect, it } from 'vitest';
import { ChainState, type ChainStateDeps } from '../../src/miner/run/chain-state.js';

interface Told {
  readonly epoch?: bigint;
  readonly protocolVersion?: bigint;
  readonly models?: readonly { readonly state: string; readonly pendingUpdate?: object }[];
}

/** A state as read in an epoch. */
async function stateAfter({
  epoch = 4n,
  protocolVersion = 2n,
  models = [{ state: 'active' }],
}: Told): Promise<ChainState> {
  const state = {
    epoch,
    protocolVersion,
    models: new Map(models.map((model, n) => [`0x${n}`, model])),
    unreadableModels: [],
    parameters: { targetEmbeddingDim: 8n },
  };
  const deps = {
    client: { getSystemState: async () => state },
    models: { update: async () => false },
    embeddingDim: 8,
    complain: () => {},
    onChanged: () => {},
  } as unknown as ChainStateDeps;
  const chain = new ChainState(deps);
  await chain.refresh(new AbortController().signal);
  return chain;
}

it.each([
  { which: 'active', models: [{ state: 'active' }] },
  { which: 'not active yet, or no longer', models: [{ state: 'pending', pendingUpdate: {} }, { state: 'inactive' }] },
])('knows the models and parameters of the next epoch where models are $which', async ({ models }) => {
  expect((await stateAfter({ models })).staysInto(5n, 2n)).toBe(true);
});

it.each([
  { why: 'an active model may have revealed an update', told: { models: [{ state: 'active', pendingUpdate: {} }] } },
  { why: 'the protocol changes', told: { protocolVersion: 1n } },
  { why: 'an epoch was missed', told: { epoch: 3n } },
  { why: 'the epoch is not the next', told: { epoch: 5n } },
])('does not know them if $why', async ({ told }) => {
  expect((await stateAfter(told)).staysInto(5n, 2n)).toBe(false);
});

it('does not know them if the protocol version is unknown', async () => {
  expect((await stateAfter({})).staysInto(5n, undefined)).toBe(false);
});
