import type { QuarryError } from '../errors/index.js';
import type { Journal } from '../miner/journal/journal.js';
import { openJournal } from '../miner/journal/open-journal.js';
import { lockKey } from '../miner/submit/key-lock.js';
import { isPublicChain } from '../soma/client/public-chain.js';
import { plainText } from '../text/index.js';
import { tell } from './print.js';
import type { SomaSession } from './soma-session.js';
import { keysDirOf } from './state-dir.js';

/**
 * Runs with the journal of the network's state directory, shared with its miner, and closes it. Meanwhile, this process
 * has exclusive use of the key's coins.
 *
 * @param address whose coins are spent
 * @throws QuarryError whatever {@link openJournal} and {@link lockKey} throw
 */
export async function withJournal<T>(
  session: SomaSession,
  address: string,
  work: (journal: Journal) => Promise<T>,
): Promise<T> {
  const { client, context, signal, stateDir } = session;
  const info = await client.getServiceInfo({ signal });
  const warn = ({ message, hint }: QuarryError): void =>
    tell(context, `warning: ${plainText(message)}${hint === undefined ? '' : ` (${plainText(hint)})`}`);
  const lock = lockKey(keysDirOf(context.env), address, info.chainId);
  try {
    const journal = openJournal(stateDir, { chainId: info.chainId, isPublic: isPublicChain(info) }, warn);
    try {
      return await work(journal);
    } finally {
      journal.close();
    }
  } finally {
    lock.release();
  }
}
