import { bytesToHex } from '@noble/hashes/utils.js';
import { QuarryError } from '../../errors/index.js';
import { digestToBytes } from '../../soma/chain/index.js';
import type { ScoreRequest } from '../../soma/services/index.js';
import type { WeightsManifest } from '../../weights/manifest.js';
import { MODEL_CONFIGS, type ModelConfig } from '../../weights/model-config.js';

/** Bounds of a request. */
export interface RequestLimits {
  /** Largest sample, bytes. The network allows 1 MiB. */
  readonly maxDataBytes: number;
  /** Maximum models per request. A target names three. */
  readonly maxModels: number;
}

/** The data of a request. */
export interface RequestedData {
  readonly url: string;
  /** BLAKE2b-256 of the bytes. */
  readonly checksum: Uint8Array;
  readonly sizeBytes: number;
}

/** A validated request. */
export interface ReadRequest {
  readonly manifests: readonly WeightsManifest[];
  /** Shape of all its models, derived from the width of the target. */
  readonly config: ModelConfig;
  readonly data: RequestedData;
}

/**
 * Validates a request; errors are worded like those of the official service.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when it is malformed or beyond the limits
 */
export function readRequest(request: ScoreRequest, { maxDataBytes, maxModels }: RequestLimits): ReadRequest {
  const { targetEmbedding, modelManifests, dataUrl, dataChecksum, dataSize } = request;
  if (modelManifests.length === 0) throw refused('At least one model manifest is required');
  if (modelManifests.length > maxModels) throw refused(`Model manifests must be at most ${maxModels}`);
  if (targetEmbedding.length === 0) throw refused('Target embedding must not be empty');
  const config = Object.values(MODEL_CONFIGS).find((each) => each.embeddingDim === targetEmbedding.length);
  if (config === undefined) throw refused(`Invalid target embedding: no model has ${targetEmbedding.length} values`);
  const manifests = modelManifests.map(weightsOf);
  const checksum = digest(dataChecksum, 'data checksum');
  if (dataSize === 0n) throw refused('Data size must be at least 1 byte');
  if (dataSize > BigInt(maxDataBytes)) throw refused(`Data size must be at most ${maxDataBytes} bytes`);
  if (!URL.canParse(dataUrl)) throw refused('Invalid data URL');
  return { manifests, config, data: { url: dataUrl, checksum, sizeBytes: Number(dataSize) } };
}

function weightsOf({ url, checksum, size, decryptionKey }: ScoreRequest['modelManifests'][number]): WeightsManifest {
  if (decryptionKey === undefined) throw refused('Model decryption key is required');
  return {
    url,
    checksum: bytesToHex(digest(checksum, 'model checksum')),
    sizeBytes: Number(size),
    decryptionKey: digest(decryptionKey, 'decryption key'),
  };
}

/** Decodes 32 bytes in base58. The error does not quote the text: it may be a key. */
function digest(text: string, what: string): Uint8Array {
  try {
    return digestToBytes(text);
  } catch {
    throw refused(`Invalid ${what}: expected 32 bytes in base58`);
  }
}

function refused(message: string): QuarryError {
  return new QuarryError('INVALID_ARGUMENT', message);
}
