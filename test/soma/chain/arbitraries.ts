import fc from 'fast-check';
import {
  digestFromBytes,
  idFromBytes,
  type Manifest,
  type ObjectRef,
  type Owner,
  type SomaObject,
  type SomaTensor,
  scalarTensor,
  type TransactionData,
  type TransactionKind,
  vectorTensor,
} from '../../../src/soma/chain/index.js';

export const bytesOf = (size: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size });
export const id = bytesOf(32).map(idFromBytes);
export const digest = bytesOf(32).map(digestFromBytes);
export const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const someBytes = fc.uint8Array({ maxLength: 40 });

export const ref: fc.Arbitrary<ObjectRef> = fc.record({ objectId: id, version: u64, digest });
export const vectorOf = fc.float32Array({ maxLength: 20, noNaN: true }).map(vectorTensor);
export const scalar = fc.float({ noNaN: true }).map(scalarTensor);
export const matrix: fc.Arbitrary<SomaTensor> = fc
  .tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 }))
  .chain(([rows, columns]) =>
    fc
      .float32Array({ minLength: rows * columns, maxLength: rows * columns, noNaN: true })
      .map((values) => ({ values: Float32Array.from(values), shape: [rows, columns] })),
  );

export const manifest: fc.Arbitrary<Manifest> = fc.record({
  url: fc.webUrl({ withQueryParameters: true }).map((url) => new URL(url).href),
  checksum: bytesOf(32),
  size: u64,
});

export const owner: fc.Arbitrary<Owner> = fc.oneof(
  fc.record({ kind: fc.constant('address' as const), address: id }),
  fc.record({ kind: fc.constant('shared' as const), initialSharedVersion: u64 }),
  fc.record({ kind: fc.constant('immutable' as const) }),
);

export const object: fc.Arbitrary<SomaObject> = fc.record({
  objectId: id,
  version: u64,
  type: fc.constantFrom('SystemState' as const, 'Coin' as const, 'StakedSoma' as const, 'Target' as const),
  payload: someBytes,
  owner,
  previousTransaction: digest,
});

const maybe = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(item, { nil: undefined });
const list = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(item, { maxLength: 4 });
// Timestamps of the RPC end at the year 9999.
const timestampMs = fc.bigInt({ min: 0n, max: 253_402_300_799_999n });

function kindOf<N extends TransactionKind['kind']>(
  kind: N,
  fields: { [K in Exclude<keyof Extract<TransactionKind, { kind: N }>, 'kind'>]-?: fc.Arbitrary<unknown> },
): fc.Arbitrary<TransactionKind> {
  return fc.record({ kind: fc.constant(kind), ...fields }) as unknown as fc.Arbitrary<TransactionKind>;
}

/** One arbitrary for every kind of transaction, in the order of the chain's enum. */
export const kinds: readonly fc.Arbitrary<TransactionKind>[] = [
  kindOf('genesis', { objects: list(object) }),
  kindOf('consensusCommitPrologueV1', {
    epoch: u64,
    round: u64,
    subDagIndex: maybe(u64),
    commitTimestampMs: timestampMs,
    consensusCommitDigest: digest,
    additionalStateDigest: digest,
  }),
  kindOf('changeEpoch', {
    epoch: u64,
    epochStartTimestampMs: timestampMs,
    protocolVersion: u64,
    fees: u64,
    epochRandomness: someBytes,
  }),
  kindOf('addValidator', {
    pubkeyBytes: someBytes,
    networkPubkeyBytes: someBytes,
    workerPubkeyBytes: someBytes,
    proofOfPossession: someBytes,
    netAddress: someBytes,
    p2pAddress: someBytes,
    primaryAddress: someBytes,
    proxyAddress: someBytes,
  }),
  kindOf('removeValidator', { pubkeyBytes: someBytes }),
  kindOf('reportValidator', { reportee: id }),
  kindOf('undoReportValidator', { reportee: id }),
  kindOf('updateValidatorMetadata', {
    nextEpochNetworkAddress: maybe(someBytes),
    nextEpochP2pAddress: maybe(someBytes),
    nextEpochPrimaryAddress: maybe(someBytes),
    nextEpochProxyAddress: maybe(someBytes),
    nextEpochProtocolPubkey: maybe(someBytes),
    nextEpochWorkerPubkey: maybe(someBytes),
    nextEpochNetworkPubkey: maybe(someBytes),
    nextEpochProofOfPossession: maybe(someBytes),
  }),
  kindOf('setCommissionRate', { newRate: u64 }),
  kindOf('transferCoin', { coin: ref, amount: maybe(u64), recipient: id }),
  kindOf('payCoins', { coins: list(ref), amounts: list(u64), recipients: list(id) }),
  kindOf('transferObjects', { objects: list(ref), recipient: id }),
  kindOf('addStake', { address: id, coinRef: ref, amount: maybe(u64) }),
  kindOf('withdrawStake', { stakedSoma: ref }),
  kindOf('createModel', { stakeAmount: u64, commissionRate: u64, architectureVersion: u64 }),
  kindOf('commitModel', {
    modelId: id,
    manifest,
    weightsCommitment: bytesOf(32),
    embeddingCommitment: bytesOf(32),
    decryptionKeyCommitment: bytesOf(32),
  }),
  kindOf('revealModel', { modelId: id, decryptionKey: bytesOf(32), embedding: vectorOf }),
  kindOf('addStakeToModel', { modelId: id, coinRef: ref, amount: maybe(u64) }),
  kindOf('setModelCommissionRate', { modelId: id, newRate: u64 }),
  kindOf('deactivateModel', { modelId: id }),
  kindOf('reportModel', { modelId: id }),
  kindOf('undoReportModel', { modelId: id }),
  kindOf('submitData', {
    targetId: id,
    dataManifest: manifest,
    modelId: id,
    embedding: vectorOf,
    distanceScore: scalar,
    lossScore: vectorOf,
    bondCoin: ref,
  }),
  kindOf('claimRewards', { targetId: id }),
  kindOf('reportSubmission', { targetId: id }),
  kindOf('undoReportSubmission', { targetId: id }),
];

export const transactionOf = (kind: fc.Arbitrary<TransactionKind>): fc.Arbitrary<TransactionData> =>
  fc.record({ kind, sender: id, gasPayment: list(ref) });
