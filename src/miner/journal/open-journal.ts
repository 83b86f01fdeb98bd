import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { QuarryError } from '../../errors/index.js';
import { ensureStateDirectory } from '../state/state-directory.js';
import { STATE_ENTRIES } from '../state/state-entries.js';
import { Journal } from './journal.js';

/** The chain that a journal belongs to. */
export interface JournalChain {
  /** Base58 digest of the genesis checkpoint. */
  readonly chainId: string;
  /** Whether the chain is public. A private chain can be restarted from genesis at any time. */
  readonly isPublic: boolean;
}

/** Suffixes of the files that make up a journal. */
const PARTS = ['', '-wal', '-shm', '.mark'] as const;
/** Characters of the chain id used in file names. */
const SHORT = 8;

/**
 * Opens the journal of a state directory for a chain. A journal of another private chain, such as a restarted devnet,
 * is renamed after its chain and used again if that chain comes back.
 *
 * @param warn called when submissions are missing or a journal is set aside
 * @throws QuarryError `CONFIG_INVALID` when the directory belongs to another chain and either chain is public
 * @throws QuarryError `STORE_CORRUPT` when the journal is damaged
 * @throws QuarryError `FILE_UNREADABLE` when the directory cannot be written
 */
export function openJournal(
  stateDir: string,
  chain: JournalChain,
  warn: (error: QuarryError) => void,
  now: () => number = Date.now,
): Journal {
  const path = join(stateDir, STATE_ENTRIES.journal);
  ensureStateDirectory(stateDir);
  const journal = open(path, now);
  const known = journal.chainId;
  if (known === undefined || known === chain.chainId) {
    journal.chainId = chain.chainId;
    sayLost(journal, path, warn);
    return journal;
  }
  journal.close();
  if (chain.isPublic) throw otherChain(stateDir, known, chain.chainId);
  const aside = join(stateDir, `journal-${known.slice(0, SHORT)}.db`);
  const back = join(stateDir, `journal-${chain.chainId.slice(0, SHORT)}.db`);
  move(path, aside);
  if (existsSync(back)) move(back, path);
  const details = { stateDir, chainId: known, expectedChainId: chain.chainId };
  const text = `the journal of chain ${known.slice(0, SHORT)} is set aside as ${aside}: this is chain ${chain.chainId.slice(0, SHORT)}`;
  warn(new QuarryError('CONFLICT', text, { hint: 'it is used again when that chain is back', details }));
  const fresh = open(path, now);
  fresh.chainId = chain.chainId;
  sayLost(fresh, path, warn);
  return fresh;
}

function open(path: string, now: () => number): Journal {
  try {
    return new Journal(path, now);
  } catch (error) {
    if (!(error instanceof QuarryError) || error.code !== 'STORE_CORRUPT') throw error;
    throw new QuarryError('STORE_CORRUPT', error.message, {
      hint: `restore ${path} from a backup, or move it and the files that begin with its name away: rewards are still found and claimed, only history is lost`,
      details: error.details,
      cause: error,
    });
  }
}

function sayLost({ lostSubmissions: lost }: Journal, path: string, warn: (error: QuarryError) => void): void {
  if (lost === 0) return;
  const text = `the journal ${path} lacks its last ${lost === 1 ? 'submission' : `${lost} submissions`}: its write-ahead log was lost or truncated`;
  warn(
    new QuarryError('STORE_CORRUPT', text, {
      hint: 'mining continues: the network is asked for rewards to claim; history and profit lack these submissions unless the files are restored from a backup',
      details: { path, lostSubmissions: lost },
    }),
  );
}

/** Renames all files of a journal. */
function move(from: string, to: string): void {
  for (const part of PARTS) if (existsSync(from + part)) renameSync(from + part, to + part);
}

function otherChain(stateDir: string, chainId: string, expectedChainId: string): QuarryError {
  const text = `the state directory ${stateDir} belongs to chain ${chainId.slice(0, SHORT)}, the network is chain ${expectedChainId.slice(0, SHORT)}`;
  return new QuarryError('CONFIG_INVALID', text, {
    hint: 'name another directory with --state-dir, or the network it belongs to with --network',
    details: { stateDir, chainId, expectedChainId },
  });
}
