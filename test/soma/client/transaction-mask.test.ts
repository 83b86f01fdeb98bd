import { expect, it } from 'vitest';
import { safeTransactionMask } from '../../../src/soma/client/read/transaction-mask.js';

const parts = ['transaction.kind', 'transaction.sender', 'transaction.gas_payment'];

it.each([
  ['*', ['digest', ...parts, 'signatures', 'effects', 'checkpoint', 'timestamp', 'balance_changes', 'objects']],
  ['transaction', ['digest', ...parts]],
  ['transaction.digest', ['digest']],
  ['digest, effects.status,transaction.kind', ['digest', 'effects.status', 'transaction.kind']],
])('asks for the safe parts of %s only', (mask, expected) => {
  expect(safeTransactionMask(mask)).toEqual(expected);
});
