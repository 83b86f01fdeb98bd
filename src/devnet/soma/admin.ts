import { struct, u64 } from '../../soma/chain/bcs/index.js';
import type { BcsMethod } from './rpc/bcs-service.js';

interface AdvanceEpochResponse {
  readonly epoch: bigint;
}

/** The gRPC method that ends the current epoch immediately. */
export function advanceEpochMethod(advance: () => Promise<bigint>): BcsMethod<object, AdvanceEpochResponse> {
  return {
    path: '/admin.Admin/AdvanceEpoch',
    request: struct<object>({}),
    response: struct<AdvanceEpochResponse>({ epoch: u64 }),
    handle: async () => ({ epoch: await advance() }),
  };
}
