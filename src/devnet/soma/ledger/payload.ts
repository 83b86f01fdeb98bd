import { encodeCoin, encodeStakedSoma } from '../../../soma/chain/coin.js';
import { encodeTarget } from '../../../soma/chain/target.js';
import { encodeSystemState } from '../state/system-state-bcs.js';
import type { Payload } from './ledger-object.js';

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
