import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { ListTargetsResponseSchema } from '../../../gen/soma/rpc/state_service_pb.js';
import { type Target as TargetMessage, TargetSchema } from '../../../gen/soma/rpc/target_pb.js';

/** A target message whose embedding was decoded separately. */
export interface DecodedTarget {
  readonly message: TargetMessage;
  readonly embedding: Float32Array;
}

/** A page of targets. */
export interface DecodedTargets {
  readonly targets: readonly DecodedTarget[];
  readonly nextPageToken: Uint8Array | undefined;
}

const RESPONSE_TARGETS = ListTargetsResponseSchema.field.targets.number;
const TARGET_EMBEDDING = TargetSchema.field.embedding.number;

/**
 * Decodes a ListTargetsResponse. Embeddings make up almost all of it, and packed floats have the layout of a
 * `Float32Array`: copying them is about twenty times as fast as the general decoder.
 *
 * @throws Error when the message is malformed
 */
export function decodeTargets(bytes: Uint8Array): DecodedTargets {
  const targets: DecodedTarget[] = [];
  const rest = withoutField(bytes, RESPONSE_TARGETS, (target) => targets.push(decodeTarget(target)));
  return { targets, nextPageToken: fromBinary(ListTargetsResponseSchema, rest).nextPageToken };
}

function decodeTarget(bytes: Uint8Array): DecodedTarget {
  const parts: Uint8Array[] = [];
  const rest = withoutField(bytes, TARGET_EMBEDDING, (packed) => parts.push(packed));
  const message = fromBinary(TargetSchema, rest);
  // Encoders may split a packed field, or not pack it, in which case the general decoder has read it.
  const packed = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  if (packed.length === 0) return { message, embedding: new Float32Array(message.embedding) };
  return { message, embedding: littleEndianFloats(packed) };
}

function littleEndianFloats(packed: Uint8Array): Float32Array {
  if (packed.length % 4 !== 0) throw new Error('packed floats of a length that is not a multiple of 4');
  const own = new Uint8Array(packed);
  if (!HOST_IS_LITTLE_ENDIAN) Buffer.from(own.buffer).swap32();
  return new Float32Array(own.buffer);
}

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Removes all length-delimited occurrences of a field from a message and passes them to `take`. */
function withoutField(bytes: Uint8Array, field: number, take: (value: Uint8Array) => void): Uint8Array {
  const reader = new BinaryReader(bytes);
  const kept: Uint8Array[] = [];
  let keptFrom = 0;
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    if (number !== field || wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, number);
      continue;
    }
    take(reader.bytes());
    if (start > keptFrom) kept.push(bytes.subarray(keptFrom, start));
    keptFrom = reader.pos;
  }
  if (keptFrom < bytes.length) kept.push(bytes.subarray(keptFrom));
  return kept.length === 1 ? kept[0]! : new Uint8Array(Buffer.concat(kept));
}
