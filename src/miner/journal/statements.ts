import type { SqlDatabase, SqlStatement } from '../../database/database.js';

/** The statements of one database, each compiled once. */
export class Statements {
  readonly #db: SqlDatabase;
  readonly #known = new Map<string, SqlStatement>();

  constructor(db: SqlDatabase) {
    this.#db = db;
  }

  /** @param options.bigints returns integers as `bigint`; the first call for a text decides */
  prepare(text: string, options: { readonly bigints?: boolean | undefined } = {}): SqlStatement {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(text, options);
    this.#known.set(text, statement);
    return statement;
  }

  /** Runs `body` in one transaction: all of it or, when `body` throws, nothing. */
  transaction<T>(body: () => T): T {
    return this.#db.transaction(body);
  }
}
