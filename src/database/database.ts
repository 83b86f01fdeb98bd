import { existsSync } from 'node:fs';
import Database from 'libsql';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { assertRegularFile } from '../files/regular-file.js';
import { canBeRead } from './can-be-read.js';
import { Checkpoints, KEPT_LOG_BYTES } from './checkpoints.js';

/** What a column may hold. Integers beyond 2^53 need a statement with `bigints`. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** One row, by column name. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** Options of {@link openDatabase}. */
export interface DatabaseOptions {
  /** Refuses every write, and a missing file. Default false. */
  readonly readonly?: boolean | undefined;
  /** Refuses a missing file instead of creating one. Default: as `readonly`. */
  readonly mustExist?: boolean | undefined;
  /** How long a statement waits for another process's lock before `STORE_LOCKED`, milliseconds. Default 5,000. */
  readonly busyTimeoutMs?: number | undefined;
  /**
   * `power`: a committed transaction survives power loss (one fsync each). `process`: it survives a crash of the
   * process; power loss may lose the newest transactions but never damages the file. Default `power`.
   */
  readonly durability?: 'power' | 'process' | undefined;
  /** `wal` allows readers and the writer at the same time; `rollback` locks the whole file. Default `wal`. */
  readonly journal?: 'wal' | 'rollback' | undefined;
  /**
   * Migration scripts, oldest first. The database records how many have run (`user_version`), so a released script must
   * never change.
   */
  readonly migrations?: readonly string[] | undefined;
  /** With `readonly`, opens an older schema as well, which may lack tables and columns. Default false: it is refused. */
  readonly readsOlder?: boolean | undefined;
}

/** A prepared statement. Parameters are passed as one array, bound to `?` in order. */
export interface SqlStatement {
  /** Runs the statement and returns the number of changed rows. */
  run(parameters?: readonly SqlValue[]): number;
  /** The first row, or `undefined`. */
  get(parameters?: readonly SqlValue[]): SqlRow | undefined;
  /** All rows. */
  all(parameters?: readonly SqlValue[]): SqlRow[];
}

/** A synchronous embedded SQL database in write-ahead mode: one writer, many readers, safe against `kill -9`. */
export interface SqlDatabase {
  readonly path: string;
  /**
   * Runs statements without parameters.
   *
   * @throws QuarryError `STORE_LOCKED`, `STORE_CORRUPT`, `DISK_FULL`, `FILE_UNREADABLE` or `ALREADY_EXISTS`, mapped
   *   from SQLite's error
   */
  exec(sql: string): void;
  /**
   * Compiles one statement.
   *
   * @param options.bigints return integers as `bigint`. Default false
   */
  prepare(sql: string, options?: { readonly bigints?: boolean | undefined }): SqlStatement;
  /** Runs `body` in a transaction, rolled back if `body` throws. Must not be nested. */
  transaction<T>(body: () => T): T;
  /** Closes the database and invalidates its prepared statements. */
  close(): void;
}

/** Suffixes of the files that SQLite opens for a database. */
const SUFFIXES = ['', '-wal', '-shm', '-journal'] as const;

const SQLITE_CODES = [
  ['SQLITE_BUSY', 'STORE_LOCKED'],
  ['SQLITE_LOCKED', 'STORE_LOCKED'],
  ['SQLITE_CORRUPT', 'STORE_CORRUPT'],
  ['SQLITE_NOTADB', 'STORE_CORRUPT'],
  ['SQLITE_FULL', 'DISK_FULL'],
  ['SQLITE_CANTOPEN', 'FILE_UNREADABLE'],
  ['SQLITE_READONLY', 'FILE_UNREADABLE'],
  ['SQLITE_IOERR', 'FILE_UNREADABLE'],
  ['SQLITE_CONSTRAINT', 'ALREADY_EXISTS'],
] as const;

function databaseError(error: unknown, path: string): QuarryError {
  if (error instanceof QuarryError) return error;
  const sqlite = (error as { code?: unknown | undefined } | undefined)?.code;
  const found = typeof sqlite === 'string' ? SQLITE_CODES.find(([prefix]) => sqlite.startsWith(prefix)) : undefined;
  if (found === undefined || typeof sqlite !== 'string') return toQuarryError(error, `using the database ${path}`);
  // SQLite reports read errors as corruption. A file that merely cannot be read must not be treated as damaged.
  const code =
    found[1] === 'STORE_CORRUPT' && !(canBeRead(path) && canBeRead(`${path}-wal`)) ? 'FILE_UNREADABLE' : found[1];
  return new QuarryError(code, `the database ${path} failed: ${(error as Error).message}`, {
    cause: error,
    details: { path, sqlite },
  });
}

/** Removes `_metadata`, which the driver adds to rows. */
function withoutMetadata(row: unknown): SqlRow {
  const { _metadata, ...columns } = row as Record<string, SqlValue> & { _metadata?: unknown | undefined };
  return columns;
}

/**
 * Opens or creates an embedded database and applies pending `migrations`.
 *
 * @throws QuarryError `STORE_LOCKED` when another process holds the lock longer than `busyTimeoutMs`
 * @throws QuarryError `STORE_CORRUPT` when the file is not a database or is damaged
 * @throws QuarryError `FILE_NOT_FOUND` when the file is missing and `mustExist` or `readonly` is set
 * @throws QuarryError `FILE_UNREADABLE` when one of its files cannot be opened, or is not a file
 * @throws QuarryError `UNSUPPORTED` when a newer version of this program wrote it
 */
export function openDatabase(path: string, options: DatabaseOptions = {}): SqlDatabase {
  const guard = <T>(body: () => T): T => {
    try {
      return body();
    } catch (error) {
      throw databaseError(error, path);
    }
  };
  if ((options.mustExist ?? options.readonly) && !existsSync(path)) {
    throw new QuarryError('FILE_NOT_FOUND', `no database at ${path}`, { details: { path } });
  }
  for (const suffix of SUFFIXES) assertRegularFile(path + suffix);
  const connection = connect(path, options.busyTimeoutMs ?? 5_000);
  const isWal = !options.readonly && options.journal !== 'rollback';
  const checkpoints = new Checkpoints(path, () => checkpoint(connection));
  let isInside = false;
  const written = (): void => {
    if (isWal && !isInside) checkpoints.committed();
  };
  const database: SqlDatabase = {
    path,
    exec: (sql) => void guard(() => connection.exec(sql)),
    prepare(sql, { bigints = false } = {}) {
      const statement = guard(() => connection.prepare(sql));
      if (bigints) statement.safeIntegers(true);
      // The driver takes a single object argument as named parameters; an array is always positional.
      return {
        run: (parameters = []) => {
          const { changes } = guard(() => statement.run(parameters as never));
          written();
          return changes;
        },
        get: (parameters = []) =>
          guard(() => {
            const row = statement.get(parameters as never);
            return row === undefined ? undefined : withoutMetadata(row);
          }),
        all: (parameters = []) => guard(() => statement.all(parameters as never).map(withoutMetadata)),
      };
    },
    transaction(body) {
      guard(() => connection.exec('BEGIN IMMEDIATE'));
      isInside = true;
      let result: ReturnType<typeof body>;
      try {
        result = body();
        connection.exec('COMMIT');
      } catch (error) {
        if (connection.inTransaction) connection.exec('ROLLBACK');
        throw databaseError(error, path);
      } finally {
        isInside = false;
      }
      written();
      return result;
    },
    close: () => {
      checkpoints.stop();
      // Closing the last connection runs a checkpoint, so skip closing while the log cannot be read.
      if (!isWal || checkpoints.isSafe) guard(() => connection.close());
    },
  };
  try {
    if (isWal) {
      database.exec('PRAGMA journal_mode = WAL');
      database.exec('PRAGMA wal_autocheckpoint = 0');
      database.exec(`PRAGMA journal_size_limit = ${KEPT_LOG_BYTES}`);
    }
    database.exec(`PRAGMA synchronous = ${options.durability === 'process' ? 'NORMAL' : 'FULL'}`);
    database.exec('PRAGMA foreign_keys = ON');
    migrate(database, options);
    // The driver has no read-only mode.
    if (options.readonly) database.exec('PRAGMA query_only = ON');
  } catch (error) {
    connection.close();
    throw error;
  }
  return database;
}

/** The driver reports why it cannot open a file only as text, so map any such failure to a file error. */
function connect(path: string, timeout: number): Database.Database {
  try {
    return new Database(path, { timeout });
  } catch (error) {
    const failure = databaseError(error, path);
    if (failure.code !== 'INTERNAL') throw failure;
    throw new QuarryError('FILE_UNREADABLE', `the database ${path} cannot be opened`, {
      cause: error,
      details: { path },
    });
  }
}

/** The number of migrations that were applied. */
function versionOf(database: { prepare(sql: string): { get(): unknown } }): number {
  const row = database.prepare('PRAGMA user_version').get() as { readonly user_version: number };
  return row.user_version;
}

/**
 * Moves the write-ahead log into the database, without waiting for readers, and begins the log anew: the first commit
 * after a checkpoint waits for the disk, and must not be one that somebody else waits for. So it is this one, which
 * changes nothing.
 */
function checkpoint(connection: Database.Database): void {
  connection.exec('PRAGMA wal_checkpoint(PASSIVE)');
  connection.exec(`PRAGMA user_version = ${versionOf(connection)}`);
}

function migrate(database: SqlDatabase, { migrations = [], readonly, readsOlder }: DatabaseOptions): void {
  const version = versionOf(database);
  if (version > migrations.length && migrations.length > 0) {
    throw new QuarryError('UNSUPPORTED', `the database ${database.path} was written by a newer version`, {
      hint: 'use the version that wrote it, or start with an empty directory',
      details: { found: version, supported: migrations.length },
    });
  }
  if (version >= migrations.length) return;
  if (readonly && readsOlder) return;
  if (readonly) {
    throw new QuarryError('FAILED_PRECONDITION', `the database ${database.path} has an older schema`, {
      hint: 'open it once for writing to migrate it',
    });
  }
  database.transaction(() => {
    for (const script of migrations.slice(version)) database.exec(script);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}
