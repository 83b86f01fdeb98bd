import { LedgerService } from '../../../gen/soma/rpc/ledger_service_pb.js';
import { normaliseId, type ObjectId } from '../../chain/index.js';
import { type CallOptions, type ClientContext, controlOf } from '../context.js';
import { type FetchedObject, FULL_OBJECT_MASK, objectFrom } from '../decode/object.js';
import { required } from '../decode/required.js';
import { errorOfStatus, type GrpcError, methodPath } from '../transport/index.js';

/** An object to read, optionally in a specific version; the latest by default. */
export type ObjectQuery = ObjectId | { readonly objectId: ObjectId; readonly version?: bigint | undefined };

/** Reads several objects in one call. The result has one entry per query, in order: the object, or the node's error. */
export async function batchGetObjects(
  client: ClientContext,
  queries: readonly ObjectQuery[],
  options: CallOptions = {},
): Promise<(FetchedObject | GrpcError)[]> {
  const method = LedgerService.method.batchGetObjects;
  const answer = await client.transport.unary(
    method,
    {
      requests: queries.map((query) =>
        typeof query === 'string'
          ? { objectId: normaliseId(query) }
          : {
              objectId: normaliseId(query.objectId),
              version: query.version,
            },
      ),
      readMask: { paths: [...FULL_OBJECT_MASK] },
    },
    controlOf(options),
  );
  return queries.map((_, index) => {
    const item = required(answer.objects[index]?.result, `objects[${index}]`);
    if (item.case === 'error') return errorOfStatus(item.value, methodPath(method));
    return objectFrom(required(item.value, `objects[${index}].object`));
  });
}
