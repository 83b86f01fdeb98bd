import { maskPaths, type ReadMask } from '../read-mask.js';

/**
 * The parts of `transaction` that a fullnode can serialise: computing the digest of a submission makes it fail
 * entirely.
 */
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
 * Makes a mask of an executed transaction safe to send: expands `*` and `transaction` to their safe parts, and replaces
 * `transaction.digest` by the equivalent `digest`.
 */
export function safeTransactionMask(mask: ReadMask): string[] {
  const safe = maskPaths(mask).flatMap((path) => {
    if (path === '*') return SAFE;
    if (path === 'transaction') return ['digest', ...SAFE_PARTS];
    return path === 'transaction.digest' ? ['digest'] : [path];
  });
  return maskPaths(safe);
}
