import type { Server, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { type Codec, decodeBcs, encodeBcs } from '../../../soma/chain/bcs/index.js';
import { RpcStatus } from './rpc-status.js';

/** A method of a service with BCS messages. */
export interface BcsMethod<I, O> {
  /** `/faucet.Faucet/RequestGas`. */
  readonly path: string;
  readonly request: Codec<I>;
  readonly response: Codec<O>;
  readonly handle: (request: I) => Promise<O>;
}

/** Registers a unary method that uses BCS instead of protobuf. */
export function addBcsMethod<I, O>(server: Server, method: BcsMethod<I, O>): void {
  const name = method.path.slice(method.path.lastIndexOf('/') + 1);
  const handle = async (request: I, callback: sendUnaryData<O>) => {
    try {
      callback(null, await method.handle(request));
    } catch (error) {
      callback(RpcStatus.from(error).toServiceError());
    }
  };
  server.addService(
    {
      [name]: {
        path: method.path,
        requestStream: false,
        responseStream: false,
        requestSerialize: (value: I) => Buffer.from(encodeBcs(method.request, value)),
        requestDeserialize: (bytes: Buffer) => decodeBcs(method.request, bytes, `${name} request`),
        responseSerialize: (value: O) => Buffer.from(encodeBcs(method.response, value)),
        responseDeserialize: (bytes: Buffer) => decodeBcs(method.response, bytes, `${name} response`),
      },
    },
    { [name]: (call: ServerUnaryCall<I, O>, callback: sendUnaryData<O>) => void handle(call.request, callback) },
  );
}
