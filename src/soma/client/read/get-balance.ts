import { StateService } from '../../../gen/soma/rpc/state_service_pb.js';
import { type Address, normaliseId } from '../../chain/index.js';
import { type CallOptions, type ClientContext, controlOf } from '../context.js';
import { required } from '../decode/required.js';

/**
 * Total balance of `owner` in shannons; 0 for an unknown owner. Executed transactions are included once they are in a
 * checkpoint.
 */
export async function getBalance(client: ClientContext, owner: Address, options: CallOptions = {}): Promise<bigint> {
  const request = { owner: normaliseId(owner) };
  const answer = await client.transport.unary(StateService.method.getBalance, request, controlOf(options));
  return required(answer.balance, 'balance');
}
