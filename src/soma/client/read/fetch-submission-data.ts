import { QuarryError } from '../../../errors/index.js';
import { decodeTarget, normaliseId, type ObjectId, type TargetPayload } from '../../chain/index.js';
import type { CallOptions, ClientContext } from '../context.js';
import type { FetchedObject } from '../decode/object.js';
import { getObject } from './get-object.js';
import { downloadVerified } from './verified-download.js';

/**
 * A target as stored on chain, including fields that listTargets omits: winning data, embedding, distance, loss,
 * reports.
 */
export interface StoredTarget {
  readonly object: FetchedObject;
  readonly target: TargetPayload;
}

/**
 * Reads and decodes a target's object.
 *
 * @throws QuarryError `NOT_FOUND` when the object does not exist
 * @throws QuarryError `INVALID_ARGUMENT` when it is not a target
 */
export async function getStoredTarget(
  client: ClientContext,
  targetId: ObjectId,
  options: CallOptions = {},
): Promise<StoredTarget> {
  const object = await getObject(client, targetId, options);
  if (object.type !== 'Target') {
    throw new QuarryError('INVALID_ARGUMENT', `${object.objectId} is a ${object.type}, not a target`);
  }
  return { object, target: decodeTarget(object.payload) };
}

export interface FetchSubmissionDataOptions extends CallOptions {
  /** Maximum size kept in memory. Default 64 MiB; the network's own limit is 1 MiB. */
  readonly maxBytes?: number | undefined;
}

/**
 * Downloads and verifies the winning data of a target, from the submitter's URL or through the fullnode.
 *
 * @throws QuarryError `FAILED_PRECONDITION` when the target has no winner
 * @throws QuarryError `CHECKSUM_MISMATCH` or `SIZE_MISMATCH` when no source has the bytes described by the manifest
 */
export async function fetchSubmissionData(
  client: ClientContext,
  targetId: ObjectId,
  options: FetchSubmissionDataOptions = {},
): Promise<Uint8Array> {
  const id = normaliseId(targetId);
  const { target } = await getStoredTarget(client, id, options);
  const manifest = target.winningDataManifest;
  if (manifest === undefined) {
    throw new QuarryError('FAILED_PRECONDITION', `target ${id} has no winner yet`, {
      hint: 'only a filled target has data',
      details: { targetId: id, status: target.status.kind },
    });
  }
  const sources = [{ http: client.manifestHttp, url: manifest.url }, ...client.nodeSources(`/data/${id}`)];
  return downloadVerified(sources, manifest, { maxBytes: options.maxBytes ?? 64 * 2 ** 20, signal: options.signal });
}
