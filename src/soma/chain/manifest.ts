import { QuarryError } from '../../errors/index.js';
import { type Codec, string, struct, u64, versionOne } from './bcs/index.js';
import { blake2b256, bytes32Codec } from './digest.js';

/** Location and checksum of submitted data or encrypted model weights, version 1. */
export interface Manifest {
  /** Absolute URL, normalised like `new URL(url).href`. */
  readonly url: string;
  /** BLAKE2b-256 of the bytes served at the URL, 32 bytes. */
  readonly checksum: Uint8Array;
  /** Number of bytes served. */
  readonly size: bigint;
}

/**
 * Normalises a URL as in WHATWG. The chain stores and signs this form (Rust `url::Url`), so signatures over other
 * spellings do not verify.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when `url` is not an absolute URL
 */
export function normaliseUrl(url: string): string {
  try {
    return new URL(url).href;
  } catch (error) {
    throw new QuarryError('INVALID_ARGUMENT', 'a manifest needs an absolute URL', {
      hint: 'begin it with https:// or http://',
      cause: error,
    });
  }
}

/**
 * The manifest of `data` served at `url`.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when `url` is not an absolute URL
 */
export function manifestOf(url: string, data: Uint8Array): Manifest {
  return { url: normaliseUrl(url), checksum: blake2b256(data), size: BigInt(data.length) };
}

// Reading keeps the text unchanged: another implementation may normalise slightly differently.
const urlCodec: Codec<string> = { ...string, write: (w, url) => w.string(normaliseUrl(url)) };

interface Metadata {
  readonly checksum: Uint8Array;
  readonly size: bigint;
}

const metadataCodec: Codec<Metadata> = versionOne(struct<Metadata>({ checksum: bytes32Codec, size: u64 }));

/** BCS of `Manifest::V1(ManifestV1 { url, Metadata::V1 { checksum, size } })`; `SubmissionManifest` is the same bytes. */
export const manifestCodec: Codec<Manifest> = versionOne<Manifest>({
  minBytes: 1 + metadataCodec.minBytes,
  write: (w, manifest) => {
    urlCodec.write(w, manifest.url);
    metadataCodec.write(w, manifest);
  },
  read: (r) => ({ url: urlCodec.read(r), ...metadataCodec.read(r) }),
});
