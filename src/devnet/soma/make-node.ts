import { summarySigner } from './checkpoints/certify.js';
import { Faucet } from './faucet.js';
import { makeGenesis } from './ledger/genesis.js';
import { genesisValidators, networkKeypair } from './network-keys.js';
import { DevnetNode } from './node.js';
import type { resolveDevnetOptions } from './options.js';

/** Reported version of the node, required by the official SDK 0.1.15. */
const SERVER_VERSION = '0.1.19';

/** Creates the node with its genesis, validators and faucet. */
export function makeNode(options: ReturnType<typeof resolveDevnetOptions>) {
  const validators = genesisValidators(options.seed, options.validators);
  const faucetKey = networkKeypair(options.seed, 'faucet', 0);
  const genesisTimestampMs = BigInt(Date.now());
  const genesis = makeGenesis({
    seed: BigInt(options.seed),
    timestampMs: genesisTimestampMs,
    protocolVersion: options.protocolVersion,
    parameters: options.parameters,
    emissionPerEpoch: options.emissionPerEpoch,
    accounts: [
      { address: faucetKey.address, coins: Array.from({ length: 5 }, () => 300_000_000_000_000n) },
      ...validators.map(({ keypair }) => ({ address: keypair.address, coins: [300_000_000_000_000n] })),
      ...options.accounts,
    ],
    validators: validators.map(({ metadata }) => ({ metadata, stake: 20_000_000_000_000n })),
    models: options.models,
  });
  const node = new DevnetNode(
    {
      genesis,
      genesisTimestampMs,
      signSummary: summarySigner(validators.map(({ key }) => key)),
      serverVersion: SERVER_VERSION,
      retainCheckpoints: options.retainCheckpoints,
      retainTransactions: options.retainTransactions,
      finalityDelayMs: options.finalityDelayMs,
      abortedRejectionDelayMs: 0,
      readLagMs: options.readLagMs,
      parameterOverrides: options.parameterOverrides,
    },
    { now: Date.now, sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
  );
  const faucet = new Faucet({ keypair: faucetKey, amount: options.faucetAmount, coins: options.faucetCoins }, { node });
  return { node, validators, faucet };
}
