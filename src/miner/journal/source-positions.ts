import type { Statements } from './statements.js';

/** Read position of each source. */
export class SourcePositions {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** Number of completely ingested units of a source. */
  of(source: string): number {
    const row = this.#sql.prepare('SELECT position FROM positions WHERE source = ?').get([source]);
    return Number(row?.['position'] ?? 0);
  }

  save(source: string, position: number): void {
    this.#sql
      .prepare('INSERT INTO positions VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET position = ?2')
      .run([source, position]);
  }
}
