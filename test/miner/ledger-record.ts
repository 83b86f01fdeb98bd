import type { Devnet } from '../../src/devnet/soma/index.js';
import { openDatabase, type SqlRow } from '../../src/store/index.js';

/** A transaction of one sender, as the ledger executed it. */
export interface LedgerEntry {
  readonly digest: string;
  readonly kind: string;
  readonly targetId: string | undefined;
  readonly succeeded: boolean;
  readonly feeShannons: bigint;
  /** What it did to the sender's coins, fees included. */
  readonly changeShannons: bigint;
}

/** Writes down what a devnet executes for one sender, from now on. */
export function recordLedger(devnet: Pick<Devnet, 'node' | 'balanceOf'>, sender: string): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  let balance = devnet.balanceOf(sender);
  devnet.node.onExecuted(({ digest, data, effects }) => {
    const before = balance;
    balance = devnet.balanceOf(sender);
    if (data.sender !== sender) return;
    const { kind } = data;
    entries.push({
      digest,
      kind: kind.kind,
      targetId: 'targetId' in kind ? kind.targetId : undefined,
      succeeded: effects.status.kind === 'success',
      feeShannons: effects.fee.totalFee,
      changeShannons: balance - before,
    });
  });
  return entries;
}

/** A journal's submissions and claims, read beside the miner. */
export function readJournal(path: string): { submissions: SqlRow[]; claims: SqlRow[] } {
  const database = openDatabase(path, { readonly: true });
  try {
    return {
      submissions: database.prepare('SELECT * FROM submissions').all(),
      claims: database.prepare('SELECT * FROM claims').all(),
    };
  } finally {
    database.close();
  }
}

/** Sum of a column of amounts; nulls count nothing. */
export function sumOf(rows: readonly SqlRow[], column: string): bigint {
  return rows.reduce((sum, row) => sum + BigInt(String(row[column] ?? 0)), 0n);
}

/** Where the journal and the ledger disagree, in words; empty when they agree to the shannon. */
export function disagreements(entries: readonly LedgerEntry[], journalPath: string): string[] {
  const { submissions, claims } = readJournal(journalPath);
  const faults: string[] = [];
  const byDigest = new Map(submissions.map((row) => [String(row['digest']), row]));
  const filled = new Map<string, string>();
  for (const { digest, kind, targetId = '', succeeded, feeShannons } of entries) {
    if (kind !== 'submitData') continue;
    const row = byDigest.get(digest);
    if (row === undefined) {
      faults.push(`the ledger executed submission ${digest}, which the journal does not know`);
      continue;
    }
    if (succeeded !== (row['state'] === 'accepted'))
      faults.push(`${digest} succeeded: ${succeeded}, journal: ${row['state']}`);
    if (row['fee'] === null || BigInt(String(row['fee'])) !== feeShannons) {
      faults.push(`${digest} cost ${feeShannons}, journal: ${row['fee']} (${row['state']})`);
    }
    if (succeeded && filled.has(targetId)) faults.push(`target ${targetId} was filled twice`);
    if (succeeded) filled.set(targetId, digest);
  }
  const executed = new Set(entries.map(({ digest }) => digest));
  for (const [digest, row] of byDigest) {
    if (row['state'] === 'accepted' && !executed.has(digest)) faults.push(`${digest} is accepted, but never executed`);
    if (row['state'] === 'built' || row['state'] === 'unknown') faults.push(`${digest} was never settled`);
  }
  const claiming = entries.filter(({ kind }) => kind === 'claimRewards');
  const claimed = new Map(claiming.filter(({ succeeded }) => succeeded).map((entry) => [entry.targetId, entry]));
  for (const row of claims) {
    const entry = claimed.get(String(row['target_id']));
    if (row['state'] === 'claimed' && entry === undefined)
      faults.push(`claim of ${row['target_id']} was never executed`);
    if (entry === undefined) continue;
    if (row['state'] !== 'claimed') faults.push(`claim of ${row['target_id']} succeeded, journal: ${row['state']}`);
    // Those that were charged and executed in vain count as well.
    const fees = claiming
      .filter(({ targetId }) => targetId === row['target_id'])
      .reduce((sum, { feeShannons }) => sum + feeShannons, 0n);
    if (BigInt(String(row['fee'] ?? -1)) !== fees)
      faults.push(`claims of ${row['target_id']} cost ${fees}, journal: ${row['fee']}`);
    const received = BigInt(String(row['received'] ?? -1));
    if (received !== entry.changeShannons + entry.feeShannons) {
      faults.push(
        `claim of ${row['target_id']} brought ${entry.changeShannons + entry.feeShannons}, journal: ${received}`,
      );
    }
  }
  return faults;
}
