import { encodeCoin, encodeStakedSoma, type StakedSoma } from '../../../soma/chain/coin.js';
import { encodeTarget, type TargetPayload } from '../../../soma/chain/target.js';
import type { SystemState } from '../state/system-state.js';
import { encodeSystemState } from '../state/system-state-bcs.js';

/** Contents of an object, by type. */
export type Payload =
  | { readonly type: 'Coin'; readonly balance: bigint }
  | { readonly type: 'StakedSoma'; readonly stake: StakedSoma }
  | { readonly type: 'Target'; readonly target: TargetPayload }
  | { readonly type: 'SystemState'; readonly state: SystemState };

/** BCS of an object's own fields, without its id. */
export function encodePayload(payload: Payload): Uint8Array {
  switch (payload.type) {
    case 'Coin':
      return encodeCoin(payload);
    case 'StakedSoma':
      return encodeStakedSoma(payload.stake);
    case 'Target':
      return encodeTarget(payload.target);
    case 'SystemState':
      return encodeSystemState(payload.state);
  }
}
