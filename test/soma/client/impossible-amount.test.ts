import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { ExecutedTransactionSchema } from '../../../src/gen/soma/rpc/executed_transaction_pb.js';
import { existingAmount, TOTAL_SUPPLY_SHANNONS } from '../../../src/soma/chain/index.js';
import { executedFrom } from '../../../src/soma/client/decode/executed-transaction.js';

it.each([2n ** 64n - 1n, 2n ** 63n, TOTAL_SUPPLY_SHANNONS + 1n, -TOTAL_SUPPLY_SHANNONS - 1n])(
  'an amount of %s does not exist',
  (amount) => {
    expect(() => existingAmount(amount, 'fee')).toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
    const change = { address: '0x1', amount: String(amount) };
    const told = create(ExecutedTransactionSchema, { balanceChanges: [change] });
    expect(() => executedFrom(told)).toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
  },
);

it('what exists passes', () => {
  expect(existingAmount(TOTAL_SUPPLY_SHANNONS, 'fee')).toBe(TOTAL_SUPPLY_SHANNONS);
});
