import type { SqlDatabase, SqlRow } from '../../database/database.js';

/** Totals over the whole journal; amounts in shannons. */
export interface JournalTotals {
  readonly accepted: number;
  readonly lost: number;
  readonly rejected: number;
  readonly pending: number;
  readonly claimed: number;
  readonly unclaimed: number;
  readonly receivedShannons: bigint;
  readonly feesShannons: bigint;
}

/** Computes the totals in journals of versions that did not store them. */
const COUNTED = `
  SELECT 'submissions.' || state AS name, COUNT(*) AS value FROM submissions GROUP BY state
  UNION ALL SELECT 'claims.' || state, COUNT(*) FROM claims GROUP BY state
  UNION ALL SELECT 'received', COALESCE(SUM(CAST(received AS INTEGER)), 0) FROM claims
  UNION ALL SELECT 'fees', a.v + b.v FROM
    (SELECT COALESCE(SUM(CAST(fee AS INTEGER)), 0) AS v FROM submissions) AS a,
    (SELECT COALESCE(SUM(CAST(fee AS INTEGER)), 0) AS v FROM claims) AS b`;

/** Totals from `name`, `value` rows. */
export function totalsFrom(rows: readonly SqlRow[]): JournalTotals {
  const values = new Map(rows.map((row) => [String(row['name']), BigInt(String(row['value']))]));
  const of = (name: string): bigint => values.get(name) ?? 0n;
  return {
    accepted: Number(of('submissions.accepted')),
    lost: Number(of('submissions.lost')),
    rejected: Number(of('submissions.rejected')),
    pending: Number(of('submissions.built') + of('submissions.unknown')),
    claimed: Number(of('claims.claimed')),
    unclaimed: Number(of('claims.waiting') + of('claims.built')),
    receivedShannons: of('received'),
    feesShannons: of('fees'),
  };
}

/** Returns a function that reads the totals of a journal of any version; computes them if they are not stored. */
export function totalsReader(db: SqlDatabase): () => JournalTotals {
  const isKept = db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'totals'").get() !== undefined;
  const select = db.prepare(isKept ? 'SELECT name, value FROM totals' : COUNTED, { bigints: true });
  return () => totalsFrom(select.all());
}
