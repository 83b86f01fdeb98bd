import { QuarryError } from '../../../errors/index.js';
import { normaliseId, type ObjectId } from '../../chain/index.js';

/**
 * Returns a field that the node must have sent.
 *
 * @throws QuarryError `PROTOCOL` when it is absent
 */
export function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) {
    throw new QuarryError('PROTOCOL', `the node left out ${field}`, {
      hint: 'the node may run a different protocol version',
      details: { field },
    });
  }
  return value;
}

/**
 * Like {@link required}, for an id or address, in normal form. Malformed ids in responses are `PROTOCOL`, not an
 * invalid argument.
 */
export function requiredId(value: string | undefined, field: string): ObjectId {
  const text = required(value, field);
  try {
    return normaliseId(text);
  } catch (cause) {
    throw new QuarryError('PROTOCOL', `the node sent a malformed id in ${field}`, { details: { field }, cause });
  }
}

/** Like {@link requiredId}, but `undefined` for an absent field. */
export function optionalId(value: string | undefined, field: string): ObjectId | undefined {
  return value === undefined ? undefined : requiredId(value, field);
}

/** Converts repeated floats of a message to a `Float32Array`. */
export function floats(values: readonly number[]): Float32Array {
  // Not `Float32Array.from`, which uses the iterator and is ten times as slow.
  return new Float32Array(values);
}
