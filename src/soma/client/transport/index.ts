export { diagnoseEndpoint } from './diagnose.js';
export { type Endpoint, parseEndpoint, type TlsOptions } from './endpoint.js';
export {
  type FailoverOptions,
  FailoverTransport,
  type FailoverTransportOptions,
  type FullnodeEvent,
} from './failover-transport.js';
export type { FullnodeState, FullnodeStatus } from './fullnode.js';
export { errorOfStatus, type FieldViolation, GrpcError, type GrpcErrorDetails } from './grpc-error.js';
export {
  GrpcTransport,
  type GrpcTransportDeps,
  type GrpcTransportOptions,
  methodPath,
  type RawMethod,
} from './grpc-transport.js';
export { KnownChain, OtherChainError } from './known-chain.js';
export type { CallOptions, ResponseHeaders, RpcTransport } from './rpc-transport.js';
