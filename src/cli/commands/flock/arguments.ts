import { parseRepoId, parseTaskId, parseWallet } from '../../../flock/index.js';
import { asUsage } from '../../parse-argument.js';

/** Parser for commander: a task id. */
export function taskIdArgument(text: string): number {
  return asUsage(() => parseTaskId(text));
}

/** Parser for commander: one of several task ids. */
export function taskIdsArgument(text: string, before: readonly number[] | undefined): readonly number[] {
  return [...(before ?? []), taskIdArgument(text)];
}

/** Parser for commander: the address of a wallet. */
export function walletArgument(text: string): string {
  return asUsage(() => parseWallet(text));
}

/** Parser for commander: a repository of the Hub, whose owner may be left out. */
export function repoArgument(text: string): string {
  return asUsage(() => {
    parseRepoId(text.includes('/') ? text : `owner/${text}`);
    return text;
  });
}
