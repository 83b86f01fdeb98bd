import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { QuarryError } from '../../../errors/index.js';
import {
  type TransactionKind as RpcTransactionKind,
  TransactionKindSchema,
} from '../../../gen/soma/rpc/transaction_pb.js';
import { normaliseId } from '../id.js';
import type { SomaTensor } from '../tensor.js';
import type { TransactionKind } from '../transaction/index.js';
import { manifestToRpc, objectRefToRpc, objectToRpc, timestampToRpc } from './values.js';
import { type IdStyle, plainId } from './wire-error.js';

type RpcKind = NonNullable<Exclude<MessageInitShape<typeof TransactionKindSchema>['kind'], { case: undefined }>>;

/** The values of a tensor of shape `[n]`, the only one the RPC can express. */
function vectorValues(tensor: SomaTensor, field: string): number[] {
  if (tensor.shape.length !== 1) {
    throw new QuarryError('INVALID_ARGUMENT', `the ${field} must be a one-dimensional tensor to be sent`, {
      details: { shape: tensor.shape.join('x') },
    });
  }
  return Array.from(tensor.values);
}

/** The value of a tensor of shape `[1]`. */
function scalarOf(tensor: SomaTensor, field: string): number {
  const [value] = vectorValues(tensor, field);
  if (value === undefined || tensor.values.length !== 1) {
    throw new QuarryError('INVALID_ARGUMENT', `the ${field} must be a single number to be sent`, {
      details: { count: tensor.values.length },
    });
  }
  return value;
}

/** An encoder for each kind. */
type Encoders = {
  readonly [K in TransactionKind['kind']]: (
    kind: Extract<TransactionKind, { readonly kind: K }>,
    style: IdStyle,
  ) => RpcKind;
};

const ENCODERS: Encoders = {
  genesis: (kind, style) => ({
    case: 'genesis',
    value: { objects: kind.objects.map((object) => objectToRpc(object, style)) },
  }),
  consensusCommitPrologueV1: (kind) => {
    const { kind: _, commitTimestampMs, subDagIndex, ...rest } = kind;
    return {
      case: 'consensusCommitPrologue',
      value: {
        ...rest,
        subDagIndex,
        commitTimestamp: timestampToRpc(commitTimestampMs),
      },
    };
  },
  changeEpoch: (kind) => {
    const { kind: _, epochStartTimestampMs, ...rest } = kind;
    return {
      case: 'changeEpoch',
      value: { ...rest, epochStartTimestamp: timestampToRpc(epochStartTimestampMs) },
    };
  },
  addValidator: (kind) => {
    const { kind: _, ...value } = kind;
    return { case: 'addValidator', value };
  },
  removeValidator: (kind) => ({ case: 'removeValidator', value: { pubkeyBytes: kind.pubkeyBytes } }),
  reportValidator: (kind, style) => ({ case: 'reportValidator', value: { reportee: plainId(kind.reportee, style) } }),
  undoReportValidator: (kind, style) => ({
    case: 'undoReportValidator',
    value: { reportee: plainId(kind.reportee, style) },
  }),
  updateValidatorMetadata: (kind) => {
    const { kind: _, ...fields } = kind;
    const value = Object.fromEntries(Object.entries(fields).filter(([, bytes]) => bytes !== undefined));
    return { case: 'updateValidatorMetadata', value };
  },
  setCommissionRate: (kind) => ({ case: 'setCommissionRate', value: { newRate: kind.newRate } }),
  transferCoin: (kind, style) => ({
    case: 'transferCoin',
    value: {
      coin: objectRefToRpc(kind.coin, style),
      amount: kind.amount,
      recipient: plainId(kind.recipient, style),
    },
  }),
  payCoins: (kind, style) => {
    if (kind.amounts === undefined) {
      throw new QuarryError('INVALID_ARGUMENT', 'PayCoins without amounts cannot be sent over the RPC', {
        hint: 'name an amount for every recipient',
      });
    }
    return {
      case: 'payCoins',
      value: {
        coins: kind.coins.map((coin) => objectRefToRpc(coin, style)),
        amounts: [...kind.amounts],
        recipients: kind.recipients.map((recipient) => plainId(recipient, style)),
      },
    };
  },
  transferObjects: (kind, style) => ({
    case: 'transferObjects',
    value: {
      objects: kind.objects.map((object) => objectRefToRpc(object, style)),
      recipient: plainId(kind.recipient, style),
    },
  }),
  addStake: (kind, style) => ({
    case: 'addStake',
    value: {
      address: plainId(kind.address, style),
      coinRef: objectRefToRpc(kind.coinRef, style),
      amount: kind.amount,
    },
  }),
  withdrawStake: (kind, style) => ({
    case: 'withdrawStake',
    value: { stakedSoma: objectRefToRpc(kind.stakedSoma, style) },
  }),
  createModel: (kind) => {
    const { kind: _, ...value } = kind;
    return { case: 'createModel', value };
  },
  commitModel: (kind) => {
    const { kind: _, modelId, manifest, ...commitments } = kind;
    return {
      case: 'commitModel',
      value: { ...commitments, modelId: normaliseId(modelId), manifest: manifestToRpc(manifest) },
    };
  },
  revealModel: (kind) => ({
    case: 'revealModel',
    value: {
      modelId: normaliseId(kind.modelId),
      decryptionKey: kind.decryptionKey,
      embedding: vectorValues(kind.embedding, 'embedding'),
    },
  }),
  addStakeToModel: (kind, style) => ({
    case: 'addStakeToModel',
    value: {
      modelId: normaliseId(kind.modelId),
      coinRef: objectRefToRpc(kind.coinRef, style),
      amount: kind.amount,
    },
  }),
  setModelCommissionRate: (kind) => ({
    case: 'setModelCommissionRate',
    value: { modelId: normaliseId(kind.modelId), newRate: kind.newRate },
  }),
  deactivateModel: (kind) => ({ case: 'deactivateModel', value: { modelId: normaliseId(kind.modelId) } }),
  reportModel: (kind) => ({ case: 'reportModel', value: { modelId: normaliseId(kind.modelId) } }),
  undoReportModel: (kind) => ({ case: 'undoReportModel', value: { modelId: normaliseId(kind.modelId) } }),
  submitData: (kind, style) => ({
    case: 'submitData',
    value: {
      targetId: normaliseId(kind.targetId),
      dataManifest: { manifest: manifestToRpc(kind.dataManifest) },
      modelId: normaliseId(kind.modelId),
      embedding: vectorValues(kind.embedding, 'embedding'),
      distanceScore: scalarOf(kind.distanceScore, 'distance score'),
      bondCoin: objectRefToRpc(kind.bondCoin, style),
      lossScore: vectorValues(kind.lossScore, 'loss score'),
    },
  }),
  claimRewards: (kind) => ({ case: 'claimRewards', value: { targetId: normaliseId(kind.targetId) } }),
  reportSubmission: (kind) => ({ case: 'reportSubmission', value: { targetId: normaliseId(kind.targetId) } }),
  undoReportSubmission: (kind) => ({ case: 'undoReportSubmission', value: { targetId: normaliseId(kind.targetId) } }),
};

/**
 * Converts a transaction kind to a message from which a fullnode rebuilds exactly the same bytes.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when the RPC cannot express it: PayCoins without amounts, tensors of other
 * shapes
 */
export function transactionKindToRpc(kind: TransactionKind, style: IdStyle = 'normal'): RpcTransactionKind {
  const encode = ENCODERS[kind.kind] as (kind: TransactionKind, style: IdStyle) => RpcKind;
  return create(TransactionKindSchema, { kind: encode(kind, style) });
}
