import { QuarryError } from '../../../errors/index.js';
import { TOTAL_SUPPLY_SHANNONS } from '../../chain/index.js';

// What a node tells is checked here, where it enters: stores, sums and conversions behind it rely on it.

/** More epochs than a chain that changes them every second has in a thousand years. */
const MOST_EPOCHS = 2n ** 35n;
const MOST_COUNTED = BigInt(Number.MAX_SAFE_INTEGER);
/** One chunk of a model: a network that takes less takes nothing. */
const LEAST_DATA_SIZE = 1_024n;

function within(value: bigint, least: bigint, most: bigint, field: string): bigint {
  if (value >= least && value <= most) return value;
  throw new QuarryError('PROTOCOL', `the node reports an impossible ${field}`, {
    hint: 'try another fullnode: name several with --fullnodes',
    details: { field, value: value.toString(), least: least.toString(), most: most.toString() },
  });
}

/** @throws QuarryError `PROTOCOL` for an epoch that cannot have come yet */
export function possibleEpoch(epoch: bigint, field: string): bigint {
  return within(epoch, 0n, MOST_EPOCHS, field);
}

/** @throws QuarryError `PROTOCOL` for a size or count that is not an exact number */
export function possibleCount(count: bigint, field: string): bigint {
  return within(count, 0n, MOST_COUNTED, field);
}

/** @throws QuarryError `PROTOCOL` for an amount of more shannons than there are */
export function possibleAmount(shannons: bigint, field: string): bigint {
  return within(shannons, 0n, TOTAL_SUPPLY_SHANNONS, field);
}

/** @throws QuarryError `PROTOCOL` for a limit in bytes that lets no submission through, or is not an exact number */
export function possibleDataSize(bytes: bigint, field: string): bigint {
  return within(bytes, LEAST_DATA_SIZE, MOST_COUNTED, field);
}

/** @throws QuarryError `PROTOCOL` for a number that is not finite */
export function finite(value: number, field: string): number {
  if (Number.isFinite(value)) return value;
  throw new QuarryError('PROTOCOL', `the node reports a ${field} that is not finite`, { details: { field } });
}
