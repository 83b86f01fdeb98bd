import { QuarryError } from '../errors/index.js';

/** Identity of a model's weights. Scores of different keys are not comparable. */
export interface ModelKey {
  /** Name of the architecture, such as `v1`. */
  readonly architecture: string;
  /** BLAKE2b-256 of the weights, lowercase hex. */
  readonly checksum: string;
}

/**
 * The key as a string, `architecture-checksum`, for use as a map key and directory name.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when a part has characters outside its alphabet
 */
export function modelKeyId(key: ModelKey): string {
  if (!/^[A-Za-z0-9._]{1,32}$/.test(key.architecture) || key.architecture.startsWith('.')) {
    throw new QuarryError('INVALID_ARGUMENT', `"architecture" expected letters, digits, dot or underscore`, {
      details: { architecture: key.architecture },
    });
  }
  if (!/^[0-9a-f]{64}$/.test(key.checksum)) {
    throw new QuarryError(
      'INVALID_ARGUMENT',
      `"checksum" expected 64 lowercase hex digits, got ${key.checksum.length} characters`,
    );
  }
  return `${key.architecture}-${key.checksum}`;
}
