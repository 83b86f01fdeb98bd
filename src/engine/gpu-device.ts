import { join } from 'node:path';
import { namesIn } from './names-in.js';

const DEVICE = /^(renderD\d+|nvidia\d+|dxg|mali\d+|pvr_sync)$/;

/**
 * Whether Linux has a device file of a GPU; true on other systems, where only requesting an adapter tells. Without one,
 * requesting an adapter takes long.
 *
 * @param root directory of the file system, `/` by default
 */
export function hasGpuDevice(platform: NodeJS.Platform = process.platform, root = '/'): boolean {
  if (platform !== 'linux') return true;
  return ['dev', 'dev/dri'].some((dir) => namesIn(join(root, dir)).some((name) => DEVICE.test(name)));
}
