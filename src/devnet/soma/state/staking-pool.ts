import type { ObjectId } from '../../../soma/chain/id.js';

/** Value of a pool's tokens at the start of an epoch. */
export interface PoolTokenExchangeRate {
  readonly somaAmount: bigint;
  readonly poolTokenAmount: bigint;
}

/** A staking pool of a validator or a model. Immutable; every change returns a new one. */
export interface StakingPool {
  readonly id: ObjectId;
  /** Absent until the pool is active. */
  readonly activationEpoch: bigint | undefined;
  /** Absent until the pool is deactivated. */
  readonly deactivationEpoch: bigint | undefined;
  readonly somaBalance: bigint;
  readonly rewardsPool: bigint;
  readonly poolTokenBalance: bigint;
  readonly exchangeRates: ReadonlyMap<bigint, PoolTokenExchangeRate>;
  readonly pendingStake: bigint;
  readonly pendingTotalSomaWithdraw: bigint;
  readonly pendingPoolTokenWithdraw: bigint;
}

/** A pool without stake or activation epoch. */
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

/** Whether the pool is active, in which case new stake waits for the epoch boundary. */
function isActive(pool: StakingPool): boolean {
  return pool.activationEpoch !== undefined && pool.deactivationEpoch === undefined;
}

/** Converts shannons to pool tokens at `rate`; one to one at a zero rate. */
function tokensFor(rate: PoolTokenExchangeRate, soma: bigint): bigint {
  if (rate.somaAmount === 0n || rate.poolTokenAmount === 0n) return soma;
  return (rate.poolTokenAmount * soma) / rate.somaAmount;
}

/** Converts pool tokens to shannons at `rate`; one to one at a zero rate. */
function somaFor(rate: PoolTokenExchangeRate, tokens: bigint): bigint {
  if (rate.somaAmount === 0n || rate.poolTokenAmount === 0n) return tokens;
  return (rate.somaAmount * tokens) / rate.poolTokenAmount;
}

/** Exchange rates kept per pool, to limit the memory of a devnet with short epochs. */
const RATES_KEPT = 256;

/**
 * The exchange rate at `epoch`: the latest one recorded at or before it, limited to the pool's deactivation epoch; the
 * oldest one kept if all are later. Zero if there is none.
 */
function exchangeRateAt(pool: StakingPool, epoch: bigint): PoolTokenExchangeRate {
  const last = pool.deactivationEpoch !== undefined && pool.deactivationEpoch < epoch ? pool.deactivationEpoch : epoch;
  let found: PoolTokenExchangeRate | undefined;
  // Rates are recorded in epoch order, so iteration follows it, too.
  for (const [recorded, rate] of pool.exchangeRates) if (found === undefined || recorded <= last) found = rate;
  return found ?? { somaAmount: 0n, poolTokenAmount: 0n };
}

/** Adds a stake of `amount` shannons: immediately if the pool is not active, otherwise at the epoch boundary. */
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
 * Withdraws a stake.
 *
 * @param principal shannons originally staked
 * @param stakeActivationEpoch the epoch in which the stake became active
 * @param epoch the current epoch
 * @returns the new pool, and the payout in shannons
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
  // A slashed pool may hold less than was staked, which limits payouts.
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

/** Adds a reward to the pool's balance. */
export function depositReward(pool: StakingPool, amount: bigint): StakingPool {
  return { ...pool, somaBalance: pool.somaBalance + amount, rewardsPool: pool.rewardsPool + amount };
}

/** Processes the epoch boundary: settles pending withdrawals and stakes, and records the exchange rate if requested. */
export function processEpochBoundary(pool: StakingPool, newEpoch: bigint, recordRate: boolean): StakingPool {
  const settled = processPendingStake(processPendingWithdraw(pool));
  return recordRate ? withRate(settled, newEpoch) : settled;
}

/** Records the rate if it differs from the current one, which otherwise stays in effect. */
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

/** Activates a pool at `epoch`, with its first exchange rate. */
export function activatePool(pool: StakingPool, epoch: bigint): StakingPool {
  return withRate({ ...processPendingStake(pool), activationEpoch: epoch }, epoch);
}

/** Deactivates a pool at `epoch`; an already deactivated one is unchanged. */
export function deactivatePool(pool: StakingPool, epoch: bigint): StakingPool {
  return pool.deactivationEpoch === undefined ? { ...processPendingStake(pool), deactivationEpoch: epoch } : pool;
}

/** Destroys `bps` of the pool's balance; also returns the amount in shannons. */
export function slashPool(
  pool: StakingPool,
  bps: bigint,
): { readonly pool: StakingPool; readonly slashedShannons: bigint } {
  const slashedShannons = (pool.somaBalance * bps) / 10_000n;
  const somaBalance = pool.somaBalance - slashedShannons;
  return { pool: { ...pool, somaBalance, rewardsPool: min(pool.rewardsPool, somaBalance) }, slashedShannons };
}
