import { fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TransactionEffectsSchema } from '../../../src/gen/soma/rpc/effects_pb.js';
import { encodeBcs } from '../../../src/soma/chain/bcs/index.js';
import {
  type CheckpointContents,
  type CheckpointSummary,
  checkpointContentsDigest,
  checkpointDigest,
  decodeCheckpointContents,
  decodeCheckpointSummary,
  decodeCoin,
  decodeEffects,
  decodeObject,
  decodeStakedSoma,
  decodeTarget,
  deletedObjects,
  EXECUTION_FAILURES,
  type ExecutionFailure,
  type ExecutionFailureKind,
  effectsDigest,
  effectsFromRpc,
  effectsToRpc,
  encodeCheckpointContents,
  encodeCheckpointSummary,
  encodeCoin,
  encodeEffects,
  encodeObject,
  encodeStakedSoma,
  encodeTarget,
  executionFailureCodec,
  f32Text,
  failureText,
  idFromBytes,
  scalarTensor,
  type TargetPayload,
  type TransactionEffects,
  type TransactionFee,
  typedDigest,
  writtenObjects,
} from '../../../src/soma/chain/index.js';
import { bytesOf, digest, id, manifest, object, owner, scalar, u64, vectorOf } from './arbitraries.js';

const runs = { numRuns: 40, seed: 3 };
const maybe = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(item, { nil: undefined });
const ascending = fc.uniqueArray(id, { maxLength: 4 }).map((ids) => ids.sort((a, b) => (a < b ? -1 : 1)));

const target: fc.Arbitrary<TargetPayload> = fc.record({
  embedding: vectorOf,
  modelIds: fc.array(id, { maxLength: 3 }),
  distanceThreshold: scalar,
  rewardPool: u64,
  generationEpoch: u64,
  status: fc.oneof(
    fc.constant({ kind: 'open' as const }),
    fc.record({ kind: fc.constant('filled' as const), fillEpoch: u64 }),
    fc.constant({ kind: 'claimed' as const }),
  ),
  submitter: maybe(id),
  winningModelId: maybe(id),
  winningModelOwner: maybe(id),
  bondAmount: u64,
  winningDataManifest: maybe(manifest),
  winningEmbedding: maybe(vectorOf),
  winningDistanceScore: maybe(scalar),
  winningLossScore: maybe(vectorOf),
  submissionReports: ascending,
});

const fee: fc.Arbitrary<TransactionFee> = fc.record({ baseFee: u64, operationFee: u64, valueFee: u64, totalFee: u64 });

const a = idFromBytes(new Uint8Array(32).fill(0xaa));
const b = idFromBytes(new Uint8Array(32).fill(0x0b));

/** One failure of each kind that carries data; the rest carry nothing. */
const WITH_DATA: readonly ExecutionFailure[] = [
  { kind: 'invalidOwnership', objectId: a, expectedOwner: b, actualOwner: undefined },
  { kind: 'objectNotFound', objectId: a },
  { kind: 'invalidObjectType', objectId: a, expectedType: 'Coin', actualType: 'Target' },
  { kind: 'invalidArguments', reason: 'no "objects"' },
  { kind: 'duplicateValidatorMetadata', field: 'net_address' },
  { kind: 'invalidProofOfPossession', reason: 'bad' },
  { kind: 'targetExpired', generationEpoch: 3n, currentEpoch: 4n },
  { kind: 'auditWindowOpen', fillEpoch: 3n, currentEpoch: 4n },
  { kind: 'modelNotInTarget', modelId: a, targetId: b },
  { kind: 'embeddingDimensionMismatch', expected: 2048n, actual: 4n },
  { kind: 'distanceExceedsThreshold', score: scalarTensor(0.97), threshold: scalarTensor(1) },
  { kind: 'insufficientBond', required: 65_000n, provided: 10n },
  { kind: 'dataExceedsMaxSize', size: 2n, maxSize: 1n },
  { kind: 'auditWindowClosed', fillEpoch: 3n, currentEpoch: 5n },
  { kind: 'somaError', message: 'text' },
];
const failures = (Object.keys(EXECUTION_FAILURES) as ExecutionFailureKind[]).map(
  (kind) => WITH_DATA.find((failure) => failure.kind === kind) ?? ({ kind } as ExecutionFailure),
);

const effects: fc.Arbitrary<TransactionEffects> = fc.record({
  status: fc.oneof(
    fc.constant({ kind: 'success' as const }),
    fc.constantFrom(...failures).map((error) => ({ kind: 'failure' as const, error })),
  ),
  executedEpoch: u64,
  fee,
  transactionDigest: digest,
  gasObjectIndex: maybe(fc.nat()),
  dependencies: fc.array(digest, { maxLength: 3 }),
  lamportVersion: u64,
  changedObjects: fc.array(
    fc.record({
      objectId: id,
      input: fc.oneof(
        fc.constant({ kind: 'notExist' as const }),
        fc.record({ kind: fc.constant('exist' as const), version: u64, digest, owner }),
      ),
      output: fc.oneof(
        fc.constant({ kind: 'notExist' as const }),
        fc.record({ kind: fc.constant('objectWrite' as const), digest, owner }),
      ),
      idOperation: fc.constantFrom('none' as const, 'created' as const, 'deleted' as const),
    }),
    { maxLength: 4 },
  ),
  unchangedSharedObjects: fc.array(
    fc.oneof(
      fc.record({ objectId: id, version: u64, kind: fc.constant('readOnlyRoot' as const), digest }),
      fc.record({
        objectId: id,
        version: u64,
        kind: fc.constantFrom('mutateDeleted' as const, 'readDeleted' as const, 'cancelled' as const),
      }),
    ),
    { maxLength: 3 },
  ),
});

const commitment = fc.record({
  kind: fc.constantFrom('ecmhLiveObjectSet' as const, 'checkpointArtifacts' as const),
  digest,
});
const summary: fc.Arbitrary<CheckpointSummary> = fc.record({
  epoch: u64,
  sequenceNumber: u64,
  networkTotalTransactions: u64,
  contentDigest: digest,
  previousDigest: maybe(digest),
  epochRollingTransactionFees: fee,
  timestampMs: u64,
  checkpointCommitments: fc.array(commitment, { maxLength: 2 }),
  endOfEpochData: maybe(
    fc.record({
      nextEpochCommittee: fc.array(fc.record({ authorityKey: bytesOf(96), weight: u64 }), { maxLength: 2 }),
      nextEpochProtocolVersion: u64,
      epochCommitments: fc.array(commitment, { maxLength: 2 }),
    }),
  ),
  versionSpecificData: fc.uint8Array({ maxLength: 9 }),
});
const contents: fc.Arbitrary<CheckpointContents> = fc.record({
  transactions: fc.array(fc.record({ transaction: digest, effects: digest }), { maxLength: 3 }),
  userSignatures: fc.array(fc.array(bytesOf(97), { maxLength: 2 }), { maxLength: 3 }),
});

describe('BCS round trips', () => {
  const keeps = <T>(arbitrary: fc.Arbitrary<T>, encode: (value: T) => Uint8Array, decode: (bytes: Uint8Array) => T) =>
    fc.assert(
      fc.property(arbitrary, (value) => {
        const bytes = encode(value);
        expect(decode(bytes)).toEqual(value);
        expect(encode(decode(bytes))).toEqual(bytes);
      }),
      runs,
    );

  it('object', () => keeps(object, encodeObject, decodeObject));
  it('coin', () => keeps(fc.record({ balance: u64 }), encodeCoin, decodeCoin));
  it('staked soma', () =>
    keeps(fc.record({ poolId: id, stakeActivationEpoch: u64, principal: u64 }), encodeStakedSoma, decodeStakedSoma));
  it('target', () => keeps(target, encodeTarget, decodeTarget));
  it('effects', () => keeps(effects, encodeEffects, decodeEffects));
  it('checkpoint summary', () => keeps(summary, encodeCheckpointSummary, decodeCheckpointSummary));
  it('checkpoint contents', () => keeps(contents, encodeCheckpointContents, decodeCheckpointContents));
});

describe('layouts', () => {
  it('a target', () => {
    const [value] = fc.sample(target, { seed: 5, numRuns: 1 });
    const unsorted = { ...value!, submissionReports: [a, b] };
    // Sets are written in ascending order whatever order they are given in.
    expect(decodeTarget(encodeTarget(unsorted)).submissionReports).toEqual([b, a]);
    const bytes = encodeTarget(unsorted);
    const swapped = bytes.slice();
    swapped.set(bytes.slice(-32), bytes.length - 64);
    swapped.set(bytes.slice(-64, -32), bytes.length - 32);
    expect(() => decodeTarget(swapped)).toThrow(expect.objectContaining({ code: 'BCS_INVALID' }));
  });

  it('execution failures have the indexes and RPC numbers of the chain', () => {
    expect(failures).toHaveLength(52);
    const index = (kind: ExecutionFailureKind): number =>
      encodeBcs(executionFailureCodec, failures.find((failure) => failure.kind === kind)!)[0]!;
    expect(index('modelNotFound')).toBe(13);
    expect(index('targetNotOpen')).toBe(29);
    expect(index('insufficientBond')).toBe(37);
    expect(index('inputObjectDeleted')).toBe(48);
    expect(index('somaError')).toBe(51);
  });

  it('digests use their own prefixes', () => {
    const [sample] = fc.sample(effects, { seed: 6, numRuns: 1 });
    expect(effectsDigest(sample!)).toBe(typedDigest('TransactionEffects', encodeEffects(sample!)));
    const [someSummary] = fc.sample(summary, { seed: 6, numRuns: 1 });
    expect(checkpointDigest(someSummary!)).toBe(
      typedDigest('CheckpointSummary', encodeCheckpointSummary(someSummary!)),
    );
    const [some] = fc.sample(contents, { seed: 6, numRuns: 1 });
    expect(checkpointContentsDigest(some!)).toBe(typedDigest('CheckpointContents', encodeCheckpointContents(some!)));
  });
});

describe('effects over the RPC', () => {
  it.each(['execution', 'checkpoint'] as const)('keep everything but details of failures: %s', (path) => {
    fc.assert(
      fc.property(effects, (value) => {
        const sent = toBinary(TransactionEffectsSchema, effectsToRpc(value, { path }));
        const { status, ...rest } = effectsFromRpc(fromBinary(TransactionEffectsSchema, sent));
        const { status: original, ...expected } = value;
        expect(rest).toEqual(expected);
        expect(status.kind).toBe(original.kind);
        if (status.kind === 'failure' && original.kind === 'failure') {
          expect(status.error.rpcKind).toBe(EXECUTION_FAILURES[original.error.kind].rpcKind);
          if ('objectId' in original.error) expect(status.error.objectId).toBe(original.error.objectId);
        }
      }),
      runs,
    );
  });

  it('names the failure it was given', () => {
    for (const failure of failures) {
      const [sample] = fc.sample(effects, { seed: 7, numRuns: 1 });
      const value = { ...sample!, status: { kind: 'failure' as const, error: failure } };
      const { status } = effectsFromRpc(effectsToRpc(value, { path: 'execution' }));
      if (status.kind !== 'failure') throw new Error('expected a failure');
      const { rpcKind } = EXECUTION_FAILURES[failure.kind];
      // Failures without a number of their own come back as the general ones.
      const expected = rpcKind === 24 ? 'somaError' : rpcKind === 11 ? 'modelNotFound' : failure.kind;
      expect(status.error.kind).toBe(expected);
    }
  });

  it('words failures as a fullnode does', () => {
    expect(failureText({ kind: 'insufficientBond', required: 65_000n, provided: 10n }, 'execution')).toEqual({
      rpcKind: 43,
      description: 'InsufficientBond { required: 65000, provided: 10 }',
      otherError: 'required=65000, provided=10',
    });
    expect(failureText({ kind: 'targetNotOpen' }, 'checkpoint')).toEqual({ rpcKind: 35, description: 'TargetNotOpen' });
    expect(failureText({ kind: 'objectNotFound', objectId: a }, 'checkpoint').otherError).toBe(a.slice(2));
    expect(failureText({ kind: 'objectNotFound', objectId: a }, 'execution').objectId).toBe(a);
    expect(
      failureText(
        { kind: 'distanceExceedsThreshold', score: scalarTensor(0.97), threshold: scalarTensor(1) },
        'execution',
      ),
    ).toEqual({
      rpcKind: 42,
      description: 'DistanceExceedsThreshold { score: 0.97, threshold: 1.0 }',
      otherError: 'score=0.97, threshold=1',
    });
    expect([0.1, 1.05, 16777216, 1e-7, 3.4e38].map((value) => f32Text(value))).toEqual([
      '0.1',
      '1.05',
      '16777216',
      '1e-7',
      '3.4e+38',
    ]);
  });

  it('list what was written and deleted', () => {
    fc.assert(
      fc.property(effects, (value) => {
        const written = writtenObjects(value);
        expect(written.every(({ version }) => version === value.lamportVersion)).toBe(true);
        expect(written).toHaveLength(value.changedObjects.filter(({ output }) => output.kind === 'objectWrite').length);
        const ids = new Set(written.map(({ objectId }) => objectId));
        expect(deletedObjects(value).some((each) => ids.has(each))).toBe(false);
      }),
      runs,
    );
  });
});
