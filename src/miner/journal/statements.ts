import type { SqlDatabase, SqlStatement } from '../../database/database.js';

/** Cache of a database's prepared statements. */
export class Statements {
  readonly #db: SqlDatabase;
  readonly #known = new Map<string, SqlStatement>();

  constructor(db: SqlDatabase) {
    this.#db = db;
  }

  /** @param options.bigints return integers as `bigint`; fixed by the first call for a given text */
  prepare(text: string, options: { readonly bigints?: boolean | undefined } = {}): SqlStatement {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(text, options);
    this.#known.set(text, statement);
    return statement;
  }

  /** Runs `body` in a transaction, rolled back if `body` throws. */
  transaction<T>(body: () => T): T {
    return this.#db.transaction(body);
  }
}
