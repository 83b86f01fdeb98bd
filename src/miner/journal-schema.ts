/** The journal's tables, oldest script first; a released script never changes. */
export const JOURNAL_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE submissions (
    id INTEGER PRIMARY KEY,
    target_id TEXT NOT NULL,
    checksum TEXT NOT NULL,
    model_id TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    -- The signed transaction, so that exactly it can be sent again.
    signed BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('built', 'unknown', 'accepted', 'lost', 'rejected')),
    reason TEXT,
    epoch TEXT NOT NULL,
    bond TEXT NOT NULL,
    reward TEXT NOT NULL,
    fee TEXT,
    latency_ms REAL,
    created_ms INTEGER NOT NULL
  ) STRICT;
  -- At most one live submission for a target: what makes "nothing submitted twice" a property of the file.
  CREATE UNIQUE INDEX submissions_live ON submissions (target_id) WHERE state IN ('built', 'unknown', 'accepted');
  CREATE INDEX submissions_state ON submissions (state);
  CREATE TABLE hostings (
    checksum TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    epoch TEXT NOT NULL
  ) STRICT;
  CREATE TABLE claims (
    target_id TEXT PRIMARY KEY,
    due_epoch TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'built', 'claimed', 'gone')),
    own INTEGER NOT NULL,
    digest TEXT,
    signed BLOB,
    received TEXT,
    fee TEXT
  ) STRICT;
  CREATE TABLE positions (
    source TEXT PRIMARY KEY,
    position INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- An accepted submission brings its claim with it, due two epochs later: one statement, so that none is forgotten.
  CREATE TRIGGER submissions_accepted AFTER UPDATE OF state ON submissions WHEN NEW.state = 'accepted' BEGIN
    INSERT INTO claims (target_id, due_epoch, state, own)
    VALUES (NEW.target_id, CAST(CAST(NEW.epoch AS INTEGER) + 2 AS TEXT), 'waiting', 1) ON CONFLICT DO NOTHING;
  END;
  `,
];
