import { StateService } from '../../../gen/soma/rpc/state_service_pb.js';
import { type Address, normaliseId, type ObjectType } from '../../chain/index.js';
import { type CallOptions, type ClientContext, controlOf } from '../context.js';
import { type FetchedObject, FULL_OBJECT_MASK, objectFrom } from '../decode/object.js';
import { allPages } from './all-pages.js';

export interface ListOwnedObjectsOptions extends CallOptions {
  readonly owner: Address;
  /** Default: all types. */
  readonly objectType?: ObjectType | undefined;
  /** Objects per page, 1 to 1000. Default: the node's 50. */
  readonly limit?: number | undefined;
  /** From the previous page. */
  readonly pageToken?: Uint8Array | undefined;
}

/** A page of objects. */
export interface ObjectPage {
  readonly objects: readonly FetchedObject[];
  /** Absent at the end. A short page does not mean the end. */
  readonly nextPageToken: Uint8Array | undefined;
}

/** Reads one page of an owner's objects. Coins are in ascending order of balance. */
export async function listOwnedObjects(client: ClientContext, options: ListOwnedObjectsOptions): Promise<ObjectPage> {
  const answer = await client.transport.unary(
    StateService.method.listOwnedObjects,
    {
      owner: normaliseId(options.owner),
      objectType: options.objectType,
      pageSize: options.limit,
      pageToken: options.pageToken,
      readMask: { paths: [...FULL_OBJECT_MASK] },
    },
    controlOf(options),
  );
  return { objects: answer.objects.map(objectFrom), nextPageToken: pageTokenFrom(answer.nextPageToken) };
}

/** An empty token means the end, like an absent one. */
export function pageTokenFrom(token: Uint8Array | undefined): Uint8Array | undefined {
  return token === undefined || token.length === 0 ? undefined : token;
}

/** Reads all objects of an owner. */
export function listAllOwnedObjects(
  client: ClientContext,
  options: Omit<ListOwnedObjectsOptions, 'pageToken'>,
): AsyncGenerator<FetchedObject, void, void> {
  return allPages(async (token) => {
    const page = await listOwnedObjects(client, { ...options, limit: options.limit ?? 1000, ...token });
    return { items: page.objects, next: page.nextPageToken };
  });
}
