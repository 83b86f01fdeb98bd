import { stat } from 'node:fs/promises';
import { QuarryError } from '../errors/index.js';
import { exposedTo } from '../files/exposed-file.js';

/**
 * Refuses a file that contains a secret and is accessible to other users.
 *
 * @param secret name of a secret setting in the file; `undefined` if there is none, which accepts any file
 * @throws QuarryError `KEY_FILE_UNSAFE`
 */
export async function refuseExposed(path: string, secret: string | undefined): Promise<void> {
  const exposed = secret === undefined ? undefined : exposedTo(await stat(path));
  if (exposed === undefined) return;
  throw new QuarryError('KEY_FILE_UNSAFE', `${path} holds the secret ${secret} and is accessible to ${exposed}`, {
    hint: `chmod 600 ${path}, or set the secret in the environment`,
  });
}
