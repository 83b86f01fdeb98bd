import { type Codec, struct, u64 } from './bcs/index.js';
import { type Digest, digestCodec } from './digest.js';
import { idCodec, type ObjectId } from './id.js';

/** A specific version of an object; how transactions refer to owned inputs. */
export interface ObjectRef {
  readonly objectId: ObjectId;
  readonly version: bigint;
  /** The object digest, base58. */
  readonly digest: Digest;
}

/** BCS of an object reference, 73 bytes. */
export const objectRefCodec: Codec<ObjectRef> = struct<ObjectRef>({
  objectId: idCodec,
  version: u64,
  digest: digestCodec,
});
