import type { Manifest as ManifestMessage } from '../../../gen/soma/rpc/manifest_pb.js';
import type { Manifest } from '../../chain/index.js';
import { required } from './required.js';

/** The manifest in a message: both its version and that of its metadata must be 1. */
export function manifestFrom(message: ManifestMessage): Manifest {
  const v1 = required(message.version.value, 'manifest.v1');
  const metadata = required(v1.metadata?.version.value, 'manifest.v1.metadata.v1');
  return {
    url: required(v1.url, 'manifest.v1.url'),
    checksum: required(metadata.checksum, 'manifest.v1.metadata.v1.checksum'),
    size: required(metadata.size, 'manifest.v1.metadata.v1.size'),
  };
}
