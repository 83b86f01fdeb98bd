export {
  type EffectsToRpcOptions,
  effectsFromRpc,
  effectsToRpc,
  type ReportedChange,
  type ReportedEffects,
  type ReportedFailure,
  statusFromRpc,
} from './effects.js';
export { userSignatureFromRpc, userSignatureToRpc } from './signature.js';
export { type TransactionToRpcOptions, transactionFromRpc, transactionToRpc } from './transaction.js';
export { transactionKindFromRpc } from './transaction-kind-from-rpc.js';
export { transactionKindToRpc } from './transaction-kind-to-rpc.js';
export {
  manifestFromRpc,
  manifestToRpc,
  objectFromRpc,
  objectRefFromRpc,
  objectRefToRpc,
  objectToRpc,
  ownerFromRpc,
  ownerToRpc,
  timestampFromRpc,
  timestampToRpc,
} from './values.js';
export { type IdStyle, WireError } from './wire-error.js';
