import { randomBytes } from 'node:crypto';
import { QuarryError } from '../../errors/index.js';
import { readIfPresent } from '../../files/read-if-present.js';
import { replaceFile } from '../../files/replace-file.js';

/**
 * State to preserve between the steps of a publication: most importantly the key and the embedding, without which a
 * committed model cannot be revealed and loses half its stake.
 */
export interface PublicationState {
  /** BLAKE2b-256 of the encrypted weights, hex. */
  readonly checksum: string;
  readonly sizeBytes: number;
  /** AES-256 key, hex. */
  readonly decryptionKey: string;
  readonly embedding: readonly number[];
  readonly url?: string | undefined;
  readonly modelId?: string | undefined;
  /** Epoch of the commit, decimal. */
  readonly commitEpoch?: string | undefined;
  readonly revealed?: boolean | undefined;
  /** A signed transaction whose outcome has not been recorded. */
  readonly pending?: PendingTransaction | undefined;
}

/** Steps that send a transaction. */
export type ChainStep = 'created' | 'committed' | 'revealed';

/** A step whose transaction is in flight. */
export interface PendingTransaction {
  readonly step: ChainStep;
  readonly digest: string;
  /** The signed transaction, base64 of its BCS; sent again to determine its outcome. */
  readonly signed: string;
}

const CHAIN_STEPS: ReadonlySet<unknown> = new Set<ChainStep>(['created', 'committed', 'revealed']);

/** Generates a key for one file, as the cipher requires. */
export function freshDecryptionKey(): Uint8Array {
  return new Uint8Array(randomBytes(32));
}

/**
 * Reads the state of an earlier run; `undefined` if there is none.
 *
 * @throws QuarryError `DATA_INVALID` when the file is not a publication state
 * @throws QuarryError `FILE_UNREADABLE` when it is not a regular file or cannot be read
 */
export async function readPublicationState(path: string): Promise<PublicationState | undefined> {
  const text = await readIfPresent(path);
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Partial<PublicationState>;
    if (!/^[0-9a-f]{64}$/.test(value.checksum ?? '') || !/^[0-9a-f]{64}$/.test(value.decryptionKey ?? '')) throw value;
    if (!Array.isArray(value.embedding) || typeof value.sizeBytes !== 'number') throw value;
    if (value.pending !== undefined && !isPending(value.pending)) throw value;
    return value as PublicationState;
  } catch {
    throw new QuarryError('DATA_INVALID', `${path} is not a publication's state file`, {
      hint: 'move it away to publish again, or restore it to continue',
    });
  }
}

function isPending({ step, digest, signed }: Partial<PendingTransaction>): boolean {
  return CHAIN_STEPS.has(step) && typeof digest === 'string' && typeof signed === 'string';
}

/** Writes the state atomically with mode 0600, as it contains the key. */
export async function writePublicationState(path: string, state: PublicationState): Promise<void> {
  await replaceFile(path, `${JSON.stringify(state, null, 2)}\n`);
}
