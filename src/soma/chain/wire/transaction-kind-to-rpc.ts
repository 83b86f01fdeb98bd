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

/** The values of a tensor whose shape the RPC can express, which is `[n]`. */
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

/**
 * The message of a transaction kind, from which a fullnode rebuilds exactly the same bytes.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when the RPC cannot express it: PayCoins without amounts, tensors of other shapes
 */
export function transactionKindToRpc(kind: TransactionKind, style: IdStyle = 'normal'): RpcTransactionKind {
  return create(TransactionKindSchema, { kind: initOf(kind, style) });
}

function initOf(kind: TransactionKind, style: IdStyle): RpcKind {
  switch (kind.kind) {
    case 'genesis':
      return { case: 'genesis', value: { objects: kind.objects.map((object) => objectToRpc(object, style)) } };
    case 'consensusCommitPrologueV1': {
      const { kind: _, commitTimestampMs, subDagIndex, ...rest } = kind;
      return {
        case: 'consensusCommitPrologue',
        value: {
          ...rest,
          subDagIndex,
          commitTimestamp: timestampToRpc(commitTimestampMs),
        },
      };
    }
    case 'changeEpoch': {
      const { kind: _, epochStartTimestampMs, ...rest } = kind;
      return {
        case: 'changeEpoch',
        value: { ...rest, epochStartTimestamp: timestampToRpc(epochStartTimestampMs) },
      };
    }
    case 'addValidator': {
      const { kind: _, ...value } = kind;
      return { case: 'addValidator', value };
    }
    case 'removeValidator':
      return { case: 'removeValidator', value: { pubkeyBytes: kind.pubkeyBytes } };
    case 'reportValidator':
    case 'undoReportValidator':
      return { case: kind.kind, value: { reportee: plainId(kind.reportee, style) } } as RpcKind;
    case 'updateValidatorMetadata': {
      const { kind: _, ...fields } = kind;
      const value = Object.fromEntries(Object.entries(fields).filter(([, bytes]) => bytes !== undefined));
      return { case: 'updateValidatorMetadata', value };
    }
    case 'setCommissionRate':
      return { case: 'setCommissionRate', value: { newRate: kind.newRate } };
    case 'transferCoin':
      return {
        case: 'transferCoin',
        value: {
          coin: objectRefToRpc(kind.coin, style),
          amount: kind.amount,
          recipient: plainId(kind.recipient, style),
        },
      };
    case 'payCoins':
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
    case 'transferObjects':
      return {
        case: 'transferObjects',
        value: {
          objects: kind.objects.map((object) => objectRefToRpc(object, style)),
          recipient: plainId(kind.recipient, style),
        },
      };
    case 'addStake':
      return {
        case: 'addStake',
        value: {
          address: plainId(kind.address, style),
          coinRef: objectRefToRpc(kind.coinRef, style),
          amount: kind.amount,
        },
      };
    case 'withdrawStake':
      return { case: 'withdrawStake', value: { stakedSoma: objectRefToRpc(kind.stakedSoma, style) } };
    case 'createModel': {
      const { kind: _, ...value } = kind;
      return { case: 'createModel', value };
    }
    case 'commitModel': {
      const { kind: _, modelId, manifest, ...commitments } = kind;
      return {
        case: 'commitModel',
        value: { ...commitments, modelId: normaliseId(modelId), manifest: manifestToRpc(manifest) },
      };
    }
    case 'revealModel':
      return {
        case: 'revealModel',
        value: {
          modelId: normaliseId(kind.modelId),
          decryptionKey: kind.decryptionKey,
          embedding: vectorValues(kind.embedding, 'embedding'),
        },
      };
    case 'addStakeToModel':
      return {
        case: 'addStakeToModel',
        value: {
          modelId: normaliseId(kind.modelId),
          coinRef: objectRefToRpc(kind.coinRef, style),
          amount: kind.amount,
        },
      };
    case 'setModelCommissionRate':
      return {
        case: 'setModelCommissionRate',
        value: { modelId: normaliseId(kind.modelId), newRate: kind.newRate },
      };
    case 'deactivateModel':
    case 'reportModel':
    case 'undoReportModel':
      return { case: kind.kind, value: { modelId: normaliseId(kind.modelId) } } as RpcKind;
    case 'submitData':
      return {
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
      };
    case 'claimRewards':
    case 'reportSubmission':
    case 'undoReportSubmission':
      return { case: kind.kind, value: { targetId: normaliseId(kind.targetId) } } as RpcKind;
  }
}
