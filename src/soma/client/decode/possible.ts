import { QuarryError } from '../../../errors/index.js';
import { TOTAL_SUPPLY_SHANNONS } from '../../chain/index.js';

// Validates values from nodes on entry, so that stores, sums and conversions can rely on them.

/** More epochs than a thousand years with one per second. */
const MOST_EPOCHS = 2n ** 35n;
const MOST_COUNTED = BigInt(Number.MAX_SAFE_INTEGER);
/** One chunk of a model: a network with a lower limit would accept nothing. */
const LEAST_DATA_SIZE = 1_024n;

function within(value: bigint, least: bigint, most: bigint, field: string): bigint {
  if (value >= least && value <= most) return value;
  throw new QuarryError('PROTOCOL', `the node reports an impossible ${field}`, {
    hint: 'try another fullnode: name several with --fullnodes',
    details: { field, value: value.toString(), least: least.toString(), most: most.toString() },
  });
}

/** @throws QuarryError `PROTOCOL` for an epoch that cannot have been reached */
export function possibleEpoch(epoch: bigint, field: string): bigint {
  return within(epoch, 0n, MOST_EPOCHS, field);
}

/** @throws QuarryError `PROTOCOL` for a size or count that is not an exact number */
export function possibleCount(count: bigint, field: string): bigint {
  return within(count, 0n, MOST_COUNTED, field);
}

/** @throws QuarryError `PROTOCOL` for an amount above the total supply */
export function possibleAmount(shannons: bigint, field: string): bigint {
  return within(shannons, 0n, TOTAL_SUPPLY_SHANNONS, field);
}

/** @throws QuarryError `PROTOCOL` for a size limit too low for any submission, or not an exact number */
export function possibleDataSize(bytes: bigint, field: string): bigint {
  return within(bytes, LEAST_DATA_SIZE, MOST_COUNTED, field);
}

/** @throws QuarryError `PROTOCOL` for a number that is not finite */
export function finite(value: number, field: string): number {
  if (Number.isFinite(value)) return value;
  throw new QuarryError('PROTOCOL', `the node reports a ${field} that is not finite`, { details: { field } });
}
