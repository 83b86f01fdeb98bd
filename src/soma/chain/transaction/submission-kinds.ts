import { type Codec, struct } from '../bcs/index.js';
import { idCodec, type ObjectId } from '../id.js';
import { type Manifest, manifestCodec } from '../manifest.js';
import { type ObjectRef, objectRefCodec } from '../object-ref.js';
import { type SomaTensor, tensorCodec } from '../tensor.js';

/** Submits data that hits a target. */
export interface SubmitData {
  readonly targetId: ObjectId;
  /** Manifest of the plain data. */
  readonly dataManifest: Manifest;
  /** The model with the lowest loss among the target's models. */
  readonly modelId: ObjectId;
  /** Shape `[target_embedding_dim]`. */
  readonly embedding: SomaTensor;
  /** Cosine distance to the target, shape `[1]`. */
  readonly distanceScore: SomaTensor;
  /** The winning model's loss, shape `[1]`. */
  readonly lossScore: SomaTensor;
  /** The coin that pays the bond. */
  readonly bondCoin: ObjectRef;
}

/** Refers to a target, to claim its reward, report its submission or withdraw a report. */
export interface TargetReference {
  readonly targetId: ObjectId;
}

/** BCS of {@link SubmitData}: its fields in this order. */
export const submitDataCodec: Codec<SubmitData> = struct<SubmitData>({
  targetId: idCodec,
  dataManifest: manifestCodec,
  modelId: idCodec,
  embedding: tensorCodec,
  distanceScore: tensorCodec,
  lossScore: tensorCodec,
  bondCoin: objectRefCodec,
});

/** BCS of {@link TargetReference}: its fields in this order. */
export const targetReferenceCodec: Codec<TargetReference> = struct<TargetReference>({ targetId: idCodec });
