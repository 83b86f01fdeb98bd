import { join } from 'node:path';
import { namesIn } from '../names-in.js';

/** Variables that name driver manifests. */
const NAMING = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'VK_ADD_DRIVER_FILES'];
/** Variables with directories that are searched, separated by colons. */
const SEARCHED = ['XDG_CONFIG_HOME', 'XDG_CONFIG_DIRS', 'XDG_DATA_HOME', 'XDG_DATA_DIRS'];
const SYSTEM = ['etc', 'etc/xdg', 'usr/local/etc', 'usr/share', 'usr/local/share', 'run/opengl-driver/share'];
const HOME = ['.config', '.local/share'];

/**
 * Whether the Vulkan loader of a Linux machine would find a driver, hardware or software, where it looks for manifests.
 *
 * @param root directory of the file system, `/` by default
 */
export function hasVulkanDriver(env: NodeJS.ProcessEnv = process.env, root = '/'): boolean {
  if (NAMING.some((name) => env[name])) return true;
  const searched = SEARCHED.flatMap((name) => env[name]?.split(':') ?? []);
  const home = env['HOME'] === undefined ? [] : HOME.map((dir) => join(env['HOME']!, dir));
  const dirs = [...SYSTEM.map((dir) => join(root, dir)), ...searched, ...home];
  return dirs.some((dir) => namesIn(join(dir, 'vulkan', 'icd.d')).some((name) => name.endsWith('.json')));
}
