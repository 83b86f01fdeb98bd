import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Journal } from '../../src/miner/journal/journal.js';
import { openJournalHistory } from '../../src/miner/journal/journal-history.js';
import { documentsOf } from '../../src/sources/decode.js';
import { drain } from './drain.js';

/** Gives bytes to what reads them from a file. */
export async function decodeInFile(name: string, bytes: Uint8Array): Promise<void> {
  await withFile(name, bytes, async (path) => {
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes;
    };
    await drain(documentsOf({ name, pieces, path }, {}));
  });
}

/** Reads everything that a journal's file holds. */
export async function decodeJournal(bytes: Uint8Array): Promise<void> {
  await withFile('journal.db', bytes, (path) => {
    const journal = new Journal(path, () => 0);
    try {
      journal.totals();
      journal.submissions.unsettled();
      Array.from(journal.claims.due(100n));
      journal.hostings.checksums();
    } finally {
      journal.close();
    }
    const history = openJournalHistory(path);
    try {
      Array.from(history.submissions());
      history.find('0x1');
    } finally {
      history.close();
    }
  });
}

/** A journal with a submission in each state, and a claim. */
export function journalSeed(): Uint8Array {
  const dir = mkdtempSync(join(tmpdir(), 'quarry-fuzz-'));
  try {
    const path = join(dir, 'journal.db');
    const journal = new Journal(path, () => 1_800_000_000_000);
    for (const [n, state] of (['accepted', 'lost', 'rejected', 'unknown', undefined] as const).entries()) {
      const digest = `digest${n}`;
      journal.submissions.record({
        targetId: `0x${n + 1}`,
        checksum: `${n}`.repeat(64),
        modelId: '0x9',
        digest,
        signed: new Uint8Array(40).fill(n),
        epoch: 3n,
        bondShannons: 640n,
        rewardShannons: 1_000n,
      });
      if (state !== undefined) journal.submissions.recordOutcome(digest, state, { feeShannons: 20n, latencyMs: 12 });
    }
    journal.hostings.record('0'.repeat(64), 'http://host.example/0', 3n);
    journal.close();
    return readFileSync(path);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function withFile(name: string, bytes: Uint8Array, read: (path: string) => void | Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'quarry-fuzz-'));
  try {
    const path = join(dir, name);
    writeFileSync(path, bytes);
    await read(path);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
