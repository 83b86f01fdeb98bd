import type { ObjectId } from '../../../soma/chain/id.js';

/** What a pool's tokens were worth at the start of an epoch. */
export interface PoolTokenExchangeRate {
  readonly somaAmount: bigint;
  readonly poolTokenAmount: bigint;
}

/** A staking pool of a validator or a model. Immutable; every change returns a new one. */
export interface StakingPool {
  readonly id: ObjectId;
  /** Absent before the pool becomes active. */
  readonly activationEpoch: bigint | undefined;
  /** Absent while the pool is not deactivated. */
  readonly deactivationEpoch: bigint | undefined;
  readonly somaBalance: bigint;
  readonly rewardsPool: bigint;
  readonly poolTokenBalance: bigint;
  readonly exchangeRates: ReadonlyMap<bigint, PoolTokenExchangeRate>;
  readonly pendingStake: bigint;
  readonly pendingTotalSomaWithdraw: bigint;
  readonly pendingPoolTokenWithdraw: bigint;
}

/** A pool that has neither stake nor an activation epoch. */
export function emptyStakingPool(id: ObjectId): StakingPool {
  return {
    id,
    activationEpoch: undefined,
    deactivationEpoch: undefined,
    somaBalance: 0n,
    rewardsPool: 0n,
    poolTokenBalance: 0n,
    exchangeRates: new Map(),
    pendingStake: 0n,
    pendingTotalSomaWithdraw: 0n,
    pendingPoolTokenWithdraw: 0n,
  };
}

/** Whether stake waits for the epoch boundary: only in a pool that is active. */
function isActive(pool: StakingPool): boolean {
  return pool.activationEpoch !== undefined && pool.deactivationEpoch === undefined;
}

/** Pool tokens that `soma` shannons are worth at `rate`; one to one at a zero rate. */
function tokensFor(rate: PoolTokenExchangeRate, soma: bigint): bigint {
  if (rate.somaAmount === 0n || rate.poolTokenAmount === 0n) return soma;
  return (rate.poolTokenAmount * soma) / rate.somaAmount;
}

/** Shannons that `tokens` are worth at `rate`; one to one at a zero rate. */
function somaFor(rate: PoolTokenExchangeRate, tokens: bigint): bigint {
  if (rate.somaAmount === 0n || rate.poolTokenAmount === 0n) return tokens;
  return (rate.somaAmount * tokens) / rate.poolTokenAmount;
}

/** Exchange rates kept per pool; a devnet with short epochs would fill its memory with more. */
const RATES_KEPT = 256;

/**
 * The exchange rate in force at `epoch`: the latest recorded one that is not after it, capped at the pool's
 * deactivation epoch; the oldest one kept when all are later. A zero rate when there is none.
 */
function exchangeRateAt(pool: StakingPool, epoch: bigint): PoolTokenExchangeRate {
  const last = pool.deactivationEpoch !== undefined && pool.deactivationEpoch < epoch ? pool.deactivationEpoch : epoch;
  let found: PoolTokenExchangeRate | undefined;
  // Rates are recorded, and so iterated, in order of epoch.
  for (const [recorded, rate] of pool.exchangeRates) if (found === undefined || recorded <= last) found = rate;
  return found ?? { somaAmount: 0n, poolTokenAmount: 0n };
}

/** The pool after `amount` shannons were staked; at once where the pool is not active, else at the epoch boundary. */
export function addStake(pool: StakingPool, amount: bigint): StakingPool {
  const pending = { ...pool, pendingStake: pool.pendingStake + amount };
  return isActive(pool) ? pending : processPendingStake(pending);
}

function processPendingStake(pool: StakingPool): StakingPool {
  if (pool.pendingStake === 0n) return pool;
  const rate = { somaAmount: pool.somaBalance, poolTokenAmount: pool.poolTokenBalance };
  const somaBalance = pool.somaBalance + pool.pendingStake;
  return { ...pool, somaBalance, poolTokenBalance: tokensFor(rate, somaBalance), pendingStake: 0n };
}

function processPendingWithdraw(pool: StakingPool): StakingPool {
  return {
    ...pool,
    somaBalance: subtract(pool.somaBalance, pool.pendingTotalSomaWithdraw),
    poolTokenBalance: subtract(pool.poolTokenBalance, pool.pendingPoolTokenWithdraw),
    pendingTotalSomaWithdraw: 0n,
    pendingPoolTokenWithdraw: 0n,
  };
}

function subtract(from: bigint, amount: bigint): bigint {
  return from > amount ? from - amount : 0n;
}

/**
 * Takes a stake out of the pool.
 *
 * @param principal shannons once staked
 * @param stakeActivationEpoch the epoch in which the stake began to count
 * @param epoch the current epoch
 * @returns the pool afterwards, and what the staker is paid in shannons
 */
export function withdrawStake(
  pool: StakingPool,
  principal: bigint,
  stakeActivationEpoch: bigint,
  epoch: bigint,
): { readonly pool: StakingPool; readonly paid: bigint } {
  if (stakeActivationEpoch > epoch && isActive(pool)) {
    return { pool: { ...pool, pendingStake: subtract(pool.pendingStake, principal) }, paid: principal };
  }
  const then = exchangeRateAt(pool, stakeActivationEpoch);
  const tokens = tokensFor(then, principal);
  const value = somaFor(exchangeRateAt(pool, epoch), tokens);
  const reward = min(value > principal ? value - principal : 0n, pool.rewardsPool);
  // A slashed pool may hold less than was staked: payouts stop at what is there.
  const paid = min(principal + reward, subtract(pool.somaBalance, pool.pendingTotalSomaWithdraw));
  const pending: StakingPool = {
    ...pool,
    rewardsPool: pool.rewardsPool - reward,
    pendingTotalSomaWithdraw: pool.pendingTotalSomaWithdraw + paid,
    pendingPoolTokenWithdraw: pool.pendingPoolTokenWithdraw + tokens,
  };
  return { pool: isActive(pool) ? pending : processPendingWithdraw(pending), paid };
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** The pool with a reward added to its balance. */
export function depositReward(pool: StakingPool, amount: bigint): StakingPool {
  return { ...pool, somaBalance: pool.somaBalance + amount, rewardsPool: pool.rewardsPool + amount };
}

/** The pool after the epoch boundary: pending withdrawals and stake are settled, and the rate is recorded if asked. */
export function processEpochBoundary(pool: StakingPool, newEpoch: bigint, recordRate: boolean): StakingPool {
  const settled = processPendingStake(processPendingWithdraw(pool));
  return recordRate ? withRate(settled, newEpoch) : settled;
}

/** Records the rate if it differs from the one in force, which then holds on anyway. */
function withRate(pool: StakingPool, epoch: bigint): StakingPool {
  const { somaBalance: somaAmount, poolTokenBalance: poolTokenAmount } = pool;
  const before = exchangeRateAt(pool, epoch);
  if (pool.exchangeRates.size > 0 && before.somaAmount === somaAmount && before.poolTokenAmount === poolTokenAmount) {
    return pool;
  }
  const exchangeRates = new Map(pool.exchangeRates);
  exchangeRates.set(epoch, { somaAmount, poolTokenAmount });
  const oldest = exchangeRates.size > RATES_KEPT ? exchangeRates.keys().next().value : undefined;
  if (oldest !== undefined) exchangeRates.delete(oldest);
  return { ...pool, exchangeRates };
}

/** The pool made active from `epoch` on, with its first exchange rate. */
export function activatePool(pool: StakingPool, epoch: bigint): StakingPool {
  return withRate({ ...processPendingStake(pool), activationEpoch: epoch }, epoch);
}

/** The pool deactivated at `epoch`; one that already was keeps its epoch. */
export function deactivatePool(pool: StakingPool, epoch: bigint): StakingPool {
  return pool.deactivationEpoch === undefined ? { ...processPendingStake(pool), deactivationEpoch: epoch } : pool;
}

/** The pool with `bps` of its balance destroyed, and how many shannons that was. */
export function slashPool(
  pool: StakingPool,
  bps: bigint,
): { readonly pool: StakingPool; readonly slashedShannons: bigint } {
  const slashedShannons = (pool.somaBalance * bps) / 10_000n;
  const somaBalance = pool.somaBalance - slashedShannons;
  return { pool: { ...pool, somaBalance, rewardsPool: min(pool.rewardsPool, somaBalance) }, slashedShannons };
}
