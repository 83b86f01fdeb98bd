import { maskPaths, type ReadMask } from '../read-mask.js';

/** The parts of `transaction` that a fullnode can write out: it fails as a whole over the digest of a submission there. */
const SAFE_PARTS: readonly string[] = ['transaction.kind', 'transaction.sender', 'transaction.gas_payment'];
const SAFE: readonly string[] = [
  'digest',
  ...SAFE_PARTS,
  'signatures',
  'effects',
  'checkpoint',
  'timestamp',
  'balance_changes',
  'objects',
];

/**
 * The paths of a mask of an executed transaction that are safe to send: `*` and `transaction` are written out part by part,
 * and `transaction.digest` becomes `digest`, which is the same.
 */
export function safeTransactionMask(mask: ReadMask): string[] {
  const safe = maskPaths(mask).flatMap((path) => {
    if (path === '*') return SAFE;
    if (path === 'transaction') return ['digest', ...SAFE_PARTS];
    return path === 'transaction.digest' ? ['digest'] : [path];
  });
  return maskPaths(safe);
}
