// Triggers that several migrations create. They never change either.

const ACCEPTED_BRINGS_CLAIM = `
  CREATE TRIGGER submissions_accepted AFTER UPDATE OF state ON submissions WHEN NEW.state = 'accepted' BEGIN
    INSERT INTO claims (target_id, due_epoch, state, own)
    VALUES (NEW.target_id, CAST(CAST(NEW.epoch AS INTEGER) + 2 AS TEXT), 'waiting', 1) ON CONFLICT DO NOTHING;
  END;`;

/** Keeps the totals, in one statement for each change of a submission. */
const SUBMISSION_TOTALS = `
  CREATE TRIGGER submissions_count AFTER INSERT ON submissions BEGIN
    UPDATE totals SET value = value + 1 WHERE name = 'submissions.' || new.state;
  END;
  CREATE TRIGGER submissions_paid AFTER INSERT ON submissions WHEN new.fee IS NOT NULL BEGIN
    UPDATE totals SET value = value + CAST(new.fee AS INTEGER) WHERE name = 'fees';
  END;
  CREATE TRIGGER submissions_change AFTER UPDATE OF state, fee ON submissions
    WHEN new.state <> old.state OR new.fee IS NOT old.fee BEGIN
    UPDATE totals SET value = value + CASE
        WHEN name = 'fees' THEN CAST(COALESCE(new.fee, 0) AS INTEGER) - CAST(COALESCE(old.fee, 0) AS INTEGER)
        WHEN new.state = old.state THEN 0
        WHEN name = 'submissions.' || new.state THEN 1
        ELSE -1
      END
      WHERE name IN ('fees', 'submissions.' || old.state, 'submissions.' || new.state);
  END;`;

/** Migrations of the journal, oldest first. A released migration never changes. */
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
  ${ACCEPTED_BRINGS_CLAIM}
  `,
  `
  -- Running totals, so that asking for them does not read a journal of years. Triggers keep them a property of the file.
  -- Amounts are shannons; all there ever are fit into 63 bits.
  CREATE TABLE totals (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO totals SELECT 'submissions.' || state, COUNT(*) FROM submissions GROUP BY state;
  INSERT INTO totals SELECT 'claims.' || state, COUNT(*) FROM claims GROUP BY state;
  INSERT INTO totals SELECT 'received', COALESCE(SUM(CAST(received AS INTEGER)), 0) FROM claims;
  INSERT INTO totals SELECT 'fees', a.v + b.v FROM
    (SELECT COALESCE(SUM(CAST(fee AS INTEGER)), 0) AS v FROM submissions) AS a,
    (SELECT COALESCE(SUM(CAST(fee AS INTEGER)), 0) AS v FROM claims) AS b;
  INSERT OR IGNORE INTO totals VALUES
    ('submissions.built', 0), ('submissions.unknown', 0), ('submissions.accepted', 0), ('submissions.lost', 0),
    ('submissions.rejected', 0), ('claims.waiting', 0), ('claims.built', 0), ('claims.claimed', 0), ('claims.gone', 0);
  CREATE TRIGGER submissions_count AFTER INSERT ON submissions BEGIN
    UPDATE totals SET value = value + 1 WHERE name = 'submissions.' || new.state;
    UPDATE totals SET value = value + CAST(new.fee AS INTEGER) WHERE name = 'fees' AND new.fee IS NOT NULL;
  END;
  CREATE TRIGGER submissions_recount AFTER UPDATE OF state ON submissions WHEN new.state <> old.state BEGIN
    UPDATE totals SET value = value - 1 WHERE name = 'submissions.' || old.state;
    UPDATE totals SET value = value + 1 WHERE name = 'submissions.' || new.state;
  END;
  CREATE TRIGGER submissions_fee AFTER UPDATE OF fee ON submissions WHEN new.fee IS NOT old.fee BEGIN
    UPDATE totals SET value = value + CAST(COALESCE(new.fee, 0) AS INTEGER) - CAST(COALESCE(old.fee, 0) AS INTEGER)
      WHERE name = 'fees';
  END;
  CREATE TRIGGER claims_count AFTER INSERT ON claims BEGIN
    UPDATE totals SET value = value + 1 WHERE name = 'claims.' || new.state;
  END;
  CREATE TRIGGER claims_recount AFTER UPDATE OF state ON claims WHEN new.state <> old.state BEGIN
    UPDATE totals SET value = value - 1 WHERE name = 'claims.' || old.state;
    UPDATE totals SET value = value + 1 WHERE name = 'claims.' || new.state;
  END;
  CREATE TRIGGER claims_amounts AFTER UPDATE OF received, fee ON claims
    WHEN new.received IS NOT old.received OR new.fee IS NOT old.fee BEGIN
    UPDATE totals SET value = value + CAST(COALESCE(new.received, 0) AS INTEGER)
      - CAST(COALESCE(old.received, 0) AS INTEGER) WHERE name = 'received';
    UPDATE totals SET value = value + CAST(COALESCE(new.fee, 0) AS INTEGER) - CAST(COALESCE(old.fee, 0) AS INTEGER)
      WHERE name = 'fees';
  END;
  CREATE INDEX claims_open ON claims (target_id) WHERE state IN ('waiting', 'built');
  -- Few submissions are open; the index over every state grew with all of them, and nothing else used it.
  DROP INDEX submissions_state;
  CREATE INDEX submissions_open ON submissions (id) WHERE state IN ('built', 'unknown');
  -- The last epoch in which weights were seen active: their scores are kept for some time after it.
  CREATE TABLE weights (
    architecture TEXT NOT NULL,
    checksum TEXT NOT NULL,
    active_epoch INTEGER NOT NULL,
    PRIMARY KEY (architecture, checksum)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What a submission's story needs beyond its outcome. Unknown for rows of earlier versions.
  ALTER TABLE submissions ADD COLUMN origin TEXT;
  ALTER TABLE submissions ADD COLUMN distance REAL;
  ALTER TABLE submissions ADD COLUMN threshold REAL;
  -- The submitter's part of the reward, shannons; the column reward holds the target's whole pool.
  ALTER TABLE submissions ADD COLUMN share TEXT;
  ALTER TABLE submissions ADD COLUMN settled_ms INTEGER;
  ALTER TABLE claims ADD COLUMN settled_ms INTEGER;
  `,
  `
  -- The chain whose submissions these are. Unknown for journals of earlier versions until one is told.
  CREATE TABLE chain (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- When the audit window was first seen to be over: what is hosted outlives it by a grace.
  ALTER TABLE hostings ADD COLUMN over_ms INTEGER;
  `,
  `
  -- When the miner learned of the target, and from which fullnode. Unknown for rows of earlier versions.
  ALTER TABLE submissions ADD COLUMN seen_ms INTEGER;
  ALTER TABLE submissions ADD COLUMN node TEXT;
  `,
  `
  -- One statement for each change of a submission: several made up half of what it takes to write one down.
  DROP TRIGGER submissions_count;
  DROP TRIGGER submissions_recount;
  DROP TRIGGER submissions_fee;
  ${SUBMISSION_TOTALS}
  `,
  `
  -- Writing a submission down is most of what a burst of them waits for, and most of that is random pages of indexes.
  -- Digests are looked up only while a submission is open, and open claims only by epoch: those two indexes now grow at
  -- one end, and being accepted no longer touches the index that keeps a second submission out.
  CREATE TABLE submissions_new (
    id INTEGER PRIMARY KEY,
    target_id TEXT NOT NULL,
    checksum TEXT NOT NULL,
    model_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    -- The signed transaction while it is open, so that exactly it can be sent again.
    signed BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('built', 'unknown', 'accepted', 'lost', 'rejected')),
    -- 1 while it keeps others for its target out, else null.
    live INTEGER DEFAULT 1,
    reason TEXT,
    epoch TEXT NOT NULL,
    bond TEXT NOT NULL,
    reward TEXT NOT NULL,
    fee TEXT,
    latency_ms REAL,
    created_ms INTEGER NOT NULL,
    origin TEXT,
    distance REAL,
    threshold REAL,
    share TEXT,
    settled_ms INTEGER,
    seen_ms INTEGER,
    node TEXT,
    CHECK ((live IS NULL) = (state IN ('lost', 'rejected')))
  ) STRICT;
  INSERT INTO submissions_new
    SELECT id, target_id, checksum, model_id, digest, signed, state, iif(state IN ('lost', 'rejected'), NULL, 1), reason,
      epoch, bond, reward, fee, latency_ms, created_ms, origin, distance, threshold, share, settled_ms, seen_ms, node
    FROM submissions;
  DROP TABLE submissions;
  ALTER TABLE submissions_new RENAME TO submissions;
  -- At most one live submission for a target: what makes "nothing submitted twice" a property of the file.
  CREATE UNIQUE INDEX submissions_live ON submissions (target_id) WHERE live = 1;
  CREATE UNIQUE INDEX submissions_open ON submissions (digest) WHERE state IN ('built', 'unknown');
  ${ACCEPTED_BRINGS_CLAIM}
  ${SUBMISSION_TOTALS}
  DROP INDEX claims_open;
  CREATE INDEX claims_open ON claims (state, CAST(due_epoch AS INTEGER)) WHERE state IN ('waiting', 'built');
  `,
];
