import { bls12_381 } from '@noble/curves/bls12-381.js';
import { ed25519 } from '@noble/curves/ed25519.js';

/** Domain separation tag of BLS signatures with keys in G2, as in fastcrypto's `min_sig` (RFC 9380 suite name). */
const SIGNATURE_DOMAIN = 'BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_';

interface GroupPoint<P> {
  add(other: P): P;
  double(): P;
}

/** Multiplies a point by `factor`, 1 or more, by doubling: building tables would cost more for one small factor. */
function multiple<P extends GroupPoint<P>>(point: P, factor: bigint): P {
  let sum: P | undefined;
  let power = point;
  for (let rest = factor; rest > 0n; rest >>= 1n) {
    if (rest & 1n) sum = sum === undefined ? power : sum.add(power);
    power = power.double();
  }
  return sum ?? point;
}

/**
 * A validator's BLS12-381 key. The points are valid, so that clients can parse them; the secret is a small number,
 * which makes them cheap to compute but insecure.
 */
export class ValidatorKey {
  /** In G2, 96 bytes. */
  readonly publicKey: Uint8Array;
  readonly #secret: bigint;

  /** @param secret 1 or more, small */
  constructor(secret: bigint) {
    this.#secret = secret;
    this.publicKey = multiple(bls12_381.G2.Point.BASE, secret).toBytes(true);
  }

  /** The signature over `message`, in G1, 48 bytes. */
  sign(message: Uint8Array): Uint8Array {
    const hashed = bls12_381.G1.hashToCurve(message, { DST: SIGNATURE_DOMAIN });
    return multiple(bls12_381.G1.Point.fromAffine(hashed.toAffine()), this.#secret).toBytes(true);
  }
}

/** Aggregates signatures into one: the sum of points in G1, 48 bytes. */
export function aggregateSignatures(signatures: readonly Uint8Array[]): Uint8Array {
  const { Point } = bls12_381.G1;
  return signatures.reduce((sum, each) => sum.add(Point.fromBytes(each)), Point.ZERO).toBytes(true);
}

function parses(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}

/** Whether `bytes` is a BLS12-381 public key: a point of G2, 96 bytes. */
export function isProtocolKey(bytes: Uint8Array): boolean {
  return bytes.length === 96 && parses(() => bls12_381.G2.Point.fromBytes(bytes).assertValidity());
}

/** Whether `bytes` is a BLS12-381 signature: a point of G1, 48 bytes. */
export function isBlsSignature(bytes: Uint8Array): boolean {
  return bytes.length === 48 && parses(() => bls12_381.G1.Point.fromBytes(bytes).assertValidity());
}

/** Whether `bytes` is an Ed25519 public key, 32 bytes. */
export function isNetworkKey(bytes: Uint8Array): boolean {
  return bytes.length === 32 && parses(() => ed25519.Point.fromBytes(bytes));
}
