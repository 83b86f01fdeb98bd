import { QuarryError } from '../../../errors/index.js';
import { type Digest, isDigest } from '../digest.js';
import { normaliseId, type ObjectId } from '../id.js';

/** An RPC message with a missing or unreadable field. */
export class WireError extends QuarryError {
  /** Path of the field: `kind.submit_data.target_id`. */
  readonly field: string;
  readonly reason: 'FIELD_MISSING' | 'FIELD_INVALID';

  /** @param problem what is wrong, following the field's name: `is missing` */
  constructor(field: string, reason: WireError['reason'], problem: string, cause?: unknown) {
    super('PROTOCOL', `field ${field} ${problem}`, {
      details: { field, reason },
      cause,
    });
    this.field = field;
    this.reason = reason;
  }
}

/** @throws WireError when the value is absent */
export function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw new WireError(field, 'FIELD_MISSING', 'is missing');
  return value;
}

/** @throws WireError when the id is absent or unreadable */
export function requiredId(text: string | undefined, field: string): ObjectId {
  const present = required(text, field);
  try {
    return normaliseId(present);
  } catch {
    throw new WireError(field, 'FIELD_INVALID', 'is not 1 to 64 hexadecimal digits');
  }
}

/** @throws WireError when the digest is absent or not base58 of 32 bytes */
export function requiredDigest(text: string | undefined, field: string): Digest {
  const present = required(text, field);
  if (!isDigest(present)) throw new WireError(field, 'FIELD_INVALID', 'is not base58 of 32 bytes');
  return present;
}

/** @throws WireError when the bytes are absent or not `size` long */
export function requiredBytes(bytes: Uint8Array | undefined, size: number, field: string): Uint8Array {
  const present = required(bytes, field);
  if (present.length !== size) {
    throw new WireError(field, 'FIELD_INVALID', `has ${present.length} bytes instead of ${size}`);
  }
  return present;
}

/** Format of ids in messages: `normal` always with `0x`, `plain` without it in the places where a fullnode omits it. */
export type IdStyle = 'normal' | 'plain';

/** Formats an id that fullnodes write without `0x`. */
export function plainId(id: ObjectId, style: IdStyle): string {
  const normal = normaliseId(id);
  return style === 'normal' ? normal : normal.slice(2);
}
