import { homedir } from 'node:os';
import { resolve } from 'node:path';

/** The user's home directory, or the working directory if there is none, as for a user id without an account. */
export function homeDirectory(env: Readonly<Record<string, string | undefined>>): string {
  if (env['HOME'] !== undefined && env['HOME'] !== '') return env['HOME'];
  try {
    return homedir();
  } catch {
    return resolve('.');
  }
}
