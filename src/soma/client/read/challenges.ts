import { QuarryError } from '../../../errors/index.js';
import { StateService } from '../../../gen/soma/rpc/state_service_pb.js';
import type { CallOptions, ClientContext } from '../context.js';
import { controlOf } from '../context.js';

/**
 * Part of the schema, and nothing more: the network has removed challenges.
 *
 * @throws QuarryError `UNSUPPORTED` always
 */
export async function getChallenge(
  client: ClientContext,
  challengeId: string,
  options: CallOptions = {},
): Promise<never> {
  await client.transport.unary(StateService.method.getChallenge, { challengeId }, controlOf(options));
  throw new QuarryError('PROTOCOL', 'the node answered a method that the network has removed');
}

/**
 * Part of the schema, and nothing more: the network has removed challenges.
 *
 * @throws QuarryError `UNSUPPORTED` always
 */
export async function listChallenges(client: ClientContext, options: CallOptions = {}): Promise<never> {
  await client.transport.unary(StateService.method.listChallenges, {}, controlOf(options));
  throw new QuarryError('PROTOCOL', 'the node answered a method that the network has removed');
}
