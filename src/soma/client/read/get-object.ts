import { LedgerService } from '../../../gen/soma/rpc/ledger_service_pb.js';
import { normaliseId, type ObjectId } from '../../chain/index.js';
import { type CallOptions, type ClientContext, controlOf } from '../context.js';
import { type FetchedObject, FULL_OBJECT_MASK, objectFrom } from '../decode/object.js';
import { required } from '../decode/required.js';

export interface GetObjectOptions extends CallOptions {
  /** Default: the latest version. */
  readonly version?: bigint | undefined;
}

/**
 * Reads one object.
 *
 * @throws QuarryError `NOT_FOUND` when there is no such object or version
 */
export async function getObject(
  client: ClientContext,
  objectId: ObjectId,
  options: GetObjectOptions = {},
): Promise<FetchedObject> {
  const answer = await client.transport.unary(
    LedgerService.method.getObject,
    {
      objectId: normaliseId(objectId),
      version: options.version,
      readMask: { paths: [...FULL_OBJECT_MASK] },
    },
    controlOf(options),
  );
  return objectFrom(required(answer.object, 'object'));
}
