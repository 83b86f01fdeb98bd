import type { Setting } from '../setting.js';

/** What is submitted, what it may cost, and when to stop. */
export const MINING_SETTINGS = {
  policy: {
    kind: 'string',
    env: 'QUARRY_POLICY',
    flag: '--policy <name>',
    default: 'first',
    choices: ['first', 'closest', 'cheapest'],
    help: 'which of several fitting samples is submitted',
  },
  margin: {
    kind: 'number',
    env: 'QUARRY_MARGIN',
    flag: '--margin <distance>',
    default: 0,
    min: 0,
    help: 'submit only this far inside the threshold',
  },
  maxInFlight: {
    kind: 'integer',
    env: 'QUARRY_MAX_IN_FLIGHT',
    flag: '--max-in-flight <n>',
    default: 8,
    min: 1,
    help: 'transactions, and so coins, in flight at once',
  },
  maxBondSoma: {
    kind: 'string',
    env: 'QUARRY_MAX_BOND_SOMA',
    flag: '--max-bond-soma <soma>',
    help: "largest bond of one submission [ten times the protocol's]",
  },
  maxFeeSoma: {
    kind: 'string',
    env: 'QUARRY_MAX_FEE_SOMA',
    flag: '--max-fee-soma <soma>',
    help: "largest fee of one transaction [ten times the protocol's most]",
  },
  minRewardSoma: {
    kind: 'string',
    env: 'QUARRY_MIN_REWARD_SOMA',
    flag: '--min-reward-soma <soma>',
    help: 'ignore targets that pay less',
  },
  minBalanceSoma: {
    kind: 'string',
    env: 'QUARRY_MIN_BALANCE_SOMA',
    flag: '--min-balance-soma <soma>',
    help: 'stop submitting when the balance falls below',
  },
  keepScoresEpochs: {
    kind: 'integer',
    env: 'QUARRY_KEEP_SCORES_EPOCHS',
    flag: '--keep-scores-epochs <n>',
    default: 2,
    min: 0,
    help: 'epochs for which scores of weights that are no longer active are kept',
  },
  claimExpired: {
    kind: 'boolean',
    env: 'QUARRY_CLAIM_EXPIRED',
    flag: '--claim-expired',
    default: false,
    help: 'also claim the incentive of expired targets',
  },
  maxAccepted: {
    kind: 'integer',
    flag: '--max-accepted <n>',
    former: { name: 'untilHits', flag: '--until-hits <n>', env: 'QUARRY_UNTIL_HITS' },
    min: 1,
    help: 'accepted submissions after which it stops; it never has more than are missing in flight',
  },
  untilSamples: { kind: 'integer', flag: '--until-samples <n>', min: 1, help: 'stop after this many scored samples' },
  dryRun: { kind: 'boolean', flag: '--dry-run', default: false, help: 'score and match, submit nothing' },
} as const satisfies Record<string, Setting>;
