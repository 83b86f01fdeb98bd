import { type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QuarryError } from '../../../src/errors/index.js';
import { CheckpointSchema } from '../../../src/gen/soma/rpc/checkpoint_pb.js';
import { EpochSchema } from '../../../src/gen/soma/rpc/epoch_pb.js';
import { ExecutedTransactionSchema } from '../../../src/gen/soma/rpc/executed_transaction_pb.js';
import { LedgerService } from '../../../src/gen/soma/rpc/ledger_service_pb.js';
import { ObjectSchema } from '../../../src/gen/soma/rpc/object_pb.js';
import { StateService } from '../../../src/gen/soma/rpc/state_service_pb.js';
import { TargetSchema } from '../../../src/gen/soma/rpc/target_pb.js';
import { checkpointFrom } from '../../../src/soma/client/decode/checkpoint.js';
import { epochFrom } from '../../../src/soma/client/decode/epoch.js';
import { executedFrom } from '../../../src/soma/client/decode/executed-transaction.js';
import { objectFrom, partialObjectFrom } from '../../../src/soma/client/decode/object.js';
import { partialTargetFrom, targetFrom } from '../../../src/soma/client/decode/target.js';
import { type Fixture, startFixture } from './devnet-fixture.js';

/** Numerical Recipes' generator: the same damage in every run. */
function lcg(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('answers that are damaged', () => {
  let fixture: Fixture;
  const real = new Map<string, Uint8Array>();

  beforeAll(async () => {
    fixture = await startFixture({ targetsPerEpoch: 2 });
    const account = fixture.client.account(fixture.keypair);
    const { digest, checkpoint } = await account.transferCoin({ recipient: '0x77', amountShannons: 5n });
    const { transport } = fixture.client.context;
    const all = { readMask: { paths: ['*'] } };
    const epoch = await transport.unary(LedgerService.method.getEpoch, all);
    real.set('epoch', toBinary(EpochSchema, epoch.epoch!));
    const mask = { readMask: { paths: ['effects', 'balance_changes', 'checkpoint', 'timestamp'] } };
    const transaction = await transport.unary(LedgerService.method.getTransaction, { digest, ...mask });
    real.set('transaction', toBinary(ExecutedTransactionSchema, transaction.transaction!));
    const checkpointId = { case: 'sequenceNumber', value: checkpoint! } as const;
    const whole = await transport.unary(LedgerService.method.getCheckpoint, { checkpointId, ...all });
    real.set('checkpoint', toBinary(CheckpointSchema, whole.checkpoint!));
    const object = await transport.unary(LedgerService.method.getObject, { objectId: '0x5', ...all });
    real.set('object', toBinary(ObjectSchema, object.object!));
    const targets = await transport.unary(StateService.method.listTargets, all);
    real.set('target', toBinary(TargetSchema, targets.targets[0]!));
  });
  afterAll(() => fixture.close());

  it.each<[string, DescMessage, (message: never) => unknown]>([
    ['epoch', EpochSchema, epochFrom],
    ['transaction', ExecutedTransactionSchema, executedFrom],
    ['checkpoint', CheckpointSchema, checkpointFrom],
    ['object', ObjectSchema, objectFrom],
    ['object', ObjectSchema, partialObjectFrom],
    ['target', TargetSchema, targetFrom],
    ['target', TargetSchema, partialTargetFrom],
  ])('%s: is read, or refused with a typed error', (name, schema, view) => {
    const bytes = real.get(name)!;
    expect(() => view(fromBinary(schema, bytes) as never)).not.toThrow();
    const random = lcg(bytes.length);
    let refused = 0;
    for (let round = 0; round < 400; round++) {
      const damaged = bytes.slice(0, random() < 0.2 ? Math.floor(random() * bytes.length) : bytes.length);
      for (let n = 1 + Math.floor(random() * 6); n > 0; n--) {
        // Most of the length is numbers and keys that may be anything; the head has the structure.
        const span = random() < 0.5 ? Math.min(200, damaged.length) : damaged.length;
        if (span > 0) damaged[Math.floor(random() * span)] = Math.floor(random() * 256);
      }
      let message: unknown;
      try {
        message = fromBinary(schema, damaged);
      } catch {
        // Not protobuf any more: the transport turns that into PROTOCOL.
        continue;
      }
      try {
        view(message as never);
      } catch (error) {
        refused++;
        if (!(error instanceof QuarryError)) throw error;
        expect(error.code).toBe('PROTOCOL');
      }
    }
    expect(refused).toBeGreaterThan(0);
  });
});
