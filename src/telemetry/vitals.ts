import { openDatabase, type SqlDatabase, type SqlRow } from '../database/database.js';
import type { VitalsHistory, VitalsPoint } from './api/api-types.js';
import { LATENCY_BOUNDS_MS, latencyBar } from './latency-histogram.js';

const MINUTE_MS = 60_000;
/** Age in minutes beyond which one point per hour is kept. */
const MINUTELY = 2 * 24 * 60;
/** Age in minutes at which points are deleted. */
const KEPT = 400 * 24 * 60;
/** Maximum number of points in an answer; beyond it, every nth is returned. */
const MAX_POINTS = 1_500;

const MIGRATIONS = [
  `
  CREATE TABLE vitals (
    minute INTEGER PRIMARY KEY,
    balance TEXT,
    samples_per_second REAL,
    store_bytes INTEGER,
    disk_free_bytes INTEGER,
    reach REAL
  ) STRICT;
  CREATE TABLE wire_latency (bar INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;
  `,
];

const THIN = `
  DELETE FROM vitals WHERE minute < ?1
    OR (minute < ?2 AND minute NOT IN (SELECT MIN(minute) FROM vitals WHERE minute < ?2 GROUP BY minute / 60))`;

/** State over time, which the journal does not record: one point per minute, kept for months in a small file. */
export class VitalsLog {
  readonly #db: SqlDatabase;
  readonly #waiting = new Map<number, number>();

  /** @throws QuarryError as `openDatabase` */
  constructor(path: string) {
    this.#db = openDatabase(path, { migrations: MIGRATIONS, durability: 'process' });
  }

  /** Records the time from when a hit became possible to its submission on the wire; saved with the next point. */
  observeSubmitted(latencyMs: number): void {
    const bar = latencyBar(latencyMs);
    this.#waiting.set(bar, (this.#waiting.get(bar) ?? 0) + 1);
  }

  /** Saves the current state; a second point in the same minute replaces the first. */
  record(point: VitalsPoint): void {
    const minute = Math.floor(point.at / MINUTE_MS);
    this.#db.transaction(() => {
      this.#db
        .prepare('INSERT OR REPLACE INTO vitals VALUES (?, ?, ?, ?, ?, ?)')
        .run([
          minute,
          point.balanceShannons === undefined ? null : String(point.balanceShannons),
          point.samplesPerSecond ?? null,
          point.storeBytes ?? null,
          point.diskFreeBytes ?? null,
          point.reach ?? null,
        ]);
      const add = this.#db.prepare(
        'INSERT INTO wire_latency VALUES (?1, ?2) ON CONFLICT (bar) DO UPDATE SET count = count + ?2',
      );
      for (const [bar, count] of this.#waiting) add.run([bar, count]);
      if (minute % 60 === 0) this.#db.prepare(THIN).run([minute - KEPT, minute - MINUTELY]);
    });
    this.#waiting.clear();
  }

  close(): void {
    this.#db.close();
  }
}

/**
 * Reads the vitals of a state directory without changing them; also works while a miner writes.
 *
 * @param sinceMs milliseconds since the Unix epoch
 * @throws QuarryError `FILE_NOT_FOUND` when there are none, `UNSUPPORTED` when a newer version recorded them
 */
export function readVitals(path: string, sinceMs: number): VitalsHistory {
  const db = openDatabase(path, { readonly: true, migrations: MIGRATIONS, readsOlder: true });
  try {
    const since = Math.floor(sinceMs / MINUTE_MS);
    const found = Number(db.prepare('SELECT COUNT(*) AS n FROM vitals WHERE minute >= ?').get([since])?.['n'] ?? 0);
    const step = Math.max(1, Math.ceil(found / MAX_POINTS));
    const rows = db
      .prepare(
        `SELECT * FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY minute DESC) AS n FROM vitals WHERE minute >= ?1)
         WHERE (n - 1) % ?2 = 0 ORDER BY minute`,
      )
      .all([since, step]);
    const counts = new Array<number>(LATENCY_BOUNDS_MS.length + 1).fill(0);
    for (const { bar, count } of db.prepare('SELECT bar, count FROM wire_latency').all()) {
      const at = Number(bar);
      if (at in counts) counts[at] = Number(count);
    }
    return { points: rows.map(pointFrom), wireLatency: { boundsMs: LATENCY_BOUNDS_MS, counts } };
  } finally {
    db.close();
  }
}

function pointFrom(row: SqlRow): VitalsPoint {
  const number = (name: string): number | undefined => (typeof row[name] === 'number' ? row[name] : undefined);
  const balance = row['balance'];
  return {
    at: Number(row['minute']) * MINUTE_MS,
    balanceShannons: typeof balance === 'string' ? BigInt(balance) : undefined,
    samplesPerSecond: number('samples_per_second'),
    storeBytes: number('store_bytes'),
    diskFreeBytes: number('disk_free_bytes'),
    reach: number('reach'),
  };
}
