-- target_state.sql: walbridge's state in the target database. Run by the service at the start of a task; every statement may be
-- run again. The state is written in the same transactions as the data, so a process can be killed at any instant.

CREATE SCHEMA IF NOT EXISTS walbridge;

-- Which shape of this file the database holds; the service runs the file when the number is smaller than its own.
CREATE TABLE IF NOT EXISTS walbridge.state_version (
    version integer NOT NULL
);

-- One row per task: what it is, in which state, whose source it follows. `control` is how a command line on another host speaks
-- to the process: it writes a request, the process answers by changing `state`.
CREATE TABLE IF NOT EXISTS walbridge.task (
    task               text PRIMARY KEY,
    state              text NOT NULL DEFAULT 'new',
    phase              text,                        -- what a start has to go on with: load, follow, done; NULL = no plan stored yet
    paused             boolean NOT NULL DEFAULT false, -- asked for; holds over restarts
    error              jsonb,                       -- of the last failure: kind, object, reason, remedy, exit_code, at
    stages             text[] NOT NULL,
    renames            text,                        -- schemas and tables with other names here; NULL = none
    source_system      text,                        -- system identifier of the source cluster
    source_timeline    integer,
    source_database    text,
    source_database_oid oid,
    slot_name          text,
    slot_plugin        text,
    slot_created_lsn   pg_lsn,                      -- consistent point returned when the slot was created
    slot_transactions  bigint,                      -- pg_stat_replication_slots.total_txns last seen (14+): falls when a slot is recreated
    slot_confirmed     pg_lsn,                      -- the slot's confirmed position last seen
    source_restored    boolean NOT NULL DEFAULT false, -- a source was seen whose WAL ended before our position
    throttle           jsonb,                       -- limits set while running: win over the task file's, hold until they are reset
    objects            jsonb,                       -- selection and renames; tells other tasks which tables this one writes
    reverse_of         text,                        -- the task that this one is the way back of, while both run (two-way)
    reverse_task       text,                        -- the way back of this task
    rules              text,                        -- where, columns, ... of tables at the last start that followed; NULL = none
    sync_of            text,                        -- the task that this one brings tables for (docs/changing-a-running-task.md)
    control            text,                        -- pause, resume, stop
    control_at         timestamptz,
    holder             text,                        -- host and process that runs the task
    status             jsonb,                       -- what `walbridge status` shows, refreshed every second
    status_at          timestamptz,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE walbridge.task ADD COLUMN IF NOT EXISTS renames text;
ALTER TABLE walbridge.task ADD COLUMN IF NOT EXISTS throttle jsonb;
ALTER TABLE walbridge.task ADD COLUMN IF NOT EXISTS objects jsonb;
ALTER TABLE walbridge.task ADD COLUMN IF NOT EXISTS reverse_of text;
ALTER TABLE walbridge.task ADD COLUMN IF NOT EXISTS reverse_task text;
ALTER TABLE walbridge.task ADD COLUMN IF NOT EXISTS rules text;
ALTER TABLE walbridge.task ADD COLUMN IF NOT EXISTS sync_of text;

-- The only truth about what the target holds: everything committed on the source up to `position` and nothing after it.
-- `epoch` is raised by whoever takes the task over, so that an older process can no longer commit.
CREATE TABLE IF NOT EXISTS walbridge.progress (
    task        text PRIMARY KEY,
    epoch       bigint NOT NULL DEFAULT 0,
    position    pg_lsn NOT NULL,
    counter     bigint NOT NULL DEFAULT 0,          -- number of the last applied transaction of the stream
    commit_time timestamptz,                        -- on the source, of the last applied transaction
    updated_at  timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 20);

-- Table sync state: a change belongs to the copy iff its transaction's commit_lsn < sync_lsn.
-- A chunk is the whole table ('whole'), a range of blocks within one snapshot ('ctid') or a range of an integer key ('key').
CREATE TABLE IF NOT EXISTS walbridge.table_sync (
    task        text NOT NULL,
    source_oid  oid NOT NULL,
    schema_name text NOT NULL,
    table_name  text NOT NULL,
    chunk       integer NOT NULL,
    chunk_kind  text NOT NULL DEFAULT 'whole',
    low         text,                               -- inclusive; NULL = from the start
    high        text,                               -- exclusive; NULL = to the end
    sync_lsn    pg_lsn,                             -- of the snapshot the chunk was (or is being) copied under
    done        boolean NOT NULL DEFAULT false,
    rows        bigint NOT NULL DEFAULT 0,
    bytes       bigint NOT NULL DEFAULT 0,
    estimated_rows  bigint NOT NULL DEFAULT 0,
    estimated_bytes bigint NOT NULL DEFAULT 0,
    started_at  timestamptz,
    finished_at timestamptz,
    fingerprint text,                               -- storage and columns of the table under the snapshot that planned the chunk
    unlogged    boolean NOT NULL DEFAULT false,     -- the table on the source: what it holds later is not followed
    existing    text NOT NULL DEFAULT 'none',       -- what the target had before (objects.existing): none, empty (the table), rows
    kept        bigint NOT NULL DEFAULT 0,          -- of `rows`: the target had a row with one of their keys, which stayed
    overwritten bigint NOT NULL DEFAULT 0,          -- rows of the target that the source's replaced
    rule        text NOT NULL DEFAULT '',           -- rows and columns of the table that travel, as JSON; '' = all
    PRIMARY KEY (task, source_oid, chunk)
);

ALTER TABLE walbridge.table_sync ADD COLUMN IF NOT EXISTS unlogged boolean NOT NULL DEFAULT false;
ALTER TABLE walbridge.table_sync ADD COLUMN IF NOT EXISTS existing text NOT NULL DEFAULT 'none',
    ADD COLUMN IF NOT EXISTS kept bigint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS overwritten bigint NOT NULL DEFAULT 0;
ALTER TABLE walbridge.table_sync ADD COLUMN IF NOT EXISTS rule text NOT NULL DEFAULT '';

-- What was changed about a task's tables while it ran, in order; the selection is that of the task file, changed by what took effect.
-- A row is asked by a command line and answered by the task's process. States: asked; syncing (a sync task brings the tables); failed
-- (it stopped; tried again by resume and by the next run); done; cancelling, cancelled (given up).
CREATE TABLE IF NOT EXISTS walbridge.object_change (
    task        text NOT NULL,
    number      integer NOT NULL,                   -- order within the task
    command     integer NOT NULL,                   -- number of the first row of the same command
    action      text NOT NULL,                      -- add, remove, resync
    pattern     text NOT NULL,                      -- as in objects.include; of a resync the table, quoted
    emptied     boolean NOT NULL DEFAULT false,     -- what the target's tables hold goes before the copy
    state       text NOT NULL DEFAULT 'asked',
    lsn         pg_lsn,                             -- of the source, at which it took effect: the tables' changes from there on come
                                                    -- through the task itself, or no more (remove, and resync until it is done)
    sync_task   text,                               -- which task brings the tables
    reason      text NOT NULL DEFAULT '',           -- who or what asked for it, where it was no command
    error       jsonb,                              -- why it failed: kind, object, reason, remedy, exit_code, at
    asked_at    timestamptz NOT NULL DEFAULT now(),
    done_at     timestamptz,
    PRIMARY KEY (task, number)
);

-- Large objects to copy (objects.large_objects = "copy"); `done` commits together with the object.
CREATE TABLE IF NOT EXISTS walbridge.large_object (
    task        text NOT NULL,
    oid         oid NOT NULL,                       -- the same on both sides
    done        boolean NOT NULL DEFAULT false,
    bytes       bigint,
    PRIMARY KEY (task, oid)
);

-- What the schema stage has to create, taken under the slot's snapshot, in order; `done` commits together with the statement.
CREATE TABLE IF NOT EXISTS walbridge.schema_item (
    task        text NOT NULL,
    item        integer NOT NULL,
    section     text NOT NULL,                      -- before-data, index, foreign-key, after-data
    object_type text NOT NULL,
    object_name text NOT NULL,
    table_name  text,
    statement   text NOT NULL,
    done        boolean NOT NULL DEFAULT false,
    PRIMARY KEY (task, item)
);

-- Conflicts and what was done about them. Rows are kept as JSON up to 64 KiB, above it length and digest.
CREATE TABLE IF NOT EXISTS walbridge.conflict (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task        text NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    kind        text NOT NULL,
    policy      text NOT NULL,
    outcome     text NOT NULL,
    schema_name text NOT NULL,
    table_name  text NOT NULL,
    operation   text,                               -- insert, update, delete: the source's change
    commit_lsn  pg_lsn NOT NULL,
    change      bigint NOT NULL,                    -- number of the change within its transaction
    commit_time timestamptz,
    constraint_name text,
    key         jsonb,
    source_row  jsonb,
    source_origin text,                             -- replication origin of the change on the source; empty = written there
    target_row  jsonb,                              -- an array when several rows are in the way
    target_origin text,                             -- who wrote the target's row last: an origin; empty = written there; NULL = not known
    target_commit_time timestamptz,
    decision    text,                               -- of an operator: skip, overwrite, replay, edit; stopped changes: skip, overwrite
    decided_by  text,
    decided_at  timestamptz,
    edited_row  jsonb,                              -- what an operator wrote instead
    UNIQUE (task, commit_lsn, change, kind)
);

ALTER TABLE walbridge.conflict ADD COLUMN IF NOT EXISTS operation text,
    ADD COLUMN IF NOT EXISTS source_origin text,
    ADD COLUMN IF NOT EXISTS target_origin text,
    ADD COLUMN IF NOT EXISTS target_commit_time timestamptz,
    ADD COLUMN IF NOT EXISTS decision text,
    ADD COLUMN IF NOT EXISTS decided_by text,
    ADD COLUMN IF NOT EXISTS decided_at timestamptz,
    ADD COLUMN IF NOT EXISTS edited_row jsonb,
    DROP CONSTRAINT IF EXISTS conflict_task_commit_lsn_change_key;
CREATE UNIQUE INDEX IF NOT EXISTS conflict_task_commit_lsn_change_kind_key
    ON walbridge.conflict (task, commit_lsn, change, kind);

-- DDL statements of the source that did not simply succeed, and what became of them; `walbridge ddl` shows and decides them.
CREATE TABLE IF NOT EXISTS walbridge.ddl_statement (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task        text NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    commit_lsn  pg_lsn NOT NULL,
    number      bigint NOT NULL,                    -- of the statement within its transaction; 0 = not known
    change      bigint NOT NULL,                    -- of its message among the transaction's changes, where `number` is 0
    state       text NOT NULL,                      -- failed, skipped, gap, refused, recognised, left, dismissed, retried
    tag         text,
    object_class text,                              -- as in ddl.classes
    statement   text,                               -- of the source
    role        text,                               -- of the source
    search_path text,
    commands    text[],                             -- for the target
    error       text,                               -- what the target's server said
    reason      text,                               -- why walbridge itself did not execute it
    message     text,                               -- the captured statement as JSON
    UNIQUE (task, commit_lsn, number, change)
);

-- How a verification has the task's process hold its apply where a snapshot of the source stands (pipeline/alignment_gate.hpp).
-- Both sides speak through the row: asked, held, snapshot, aligned or again, done; failed or expired when there is nothing to wait for.
CREATE TABLE IF NOT EXISTS walbridge.verify_alignment (
    task        text PRIMARY KEY,
    request     text NOT NULL,                      -- who asks: rows of an older request are not answered
    state       text NOT NULL,
    source_snapshot text,                           -- pg_current_snapshot() of the source
    source_lsn  pg_lsn,                             -- read after it
    keys_since  pg_lsn,                             -- write down keys that changed since (verify_key); NULL = do not
    epoch       bigint,                             -- aligned: what the progress row says in a snapshot that belongs to it
    position    pg_lsn,
    keys_complete_since pg_lsn,                     -- verify_key holds every change behind it; NULL = the process knows of none
    reason      text,
    asked_at    timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 20);

-- Keys of rows that changed since earlier alignments, written for one request.
CREATE TABLE IF NOT EXISTS walbridge.verify_key (
    task        text NOT NULL,
    request     text NOT NULL,
    schema_name text NOT NULL,                      -- on the source; '' = every table
    table_name  text NOT NULL,
    since       pg_lsn NOT NULL,                    -- the change came behind this position
    key         text                                -- JSON: columns and their values; NULL = any row
);

-- Verifications. `position` is the source's at which both sides were (last) compared.
CREATE TABLE IF NOT EXISTS walbridge.verify_run (
    run         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task        text NOT NULL,
    mode        text NOT NULL,
    options     text NOT NULL DEFAULT '',           -- a run is resumed by the same ones
    state       text NOT NULL DEFAULT 'running',    -- running, complete
    position    pg_lsn,
    differences bigint NOT NULL DEFAULT 0,
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);

-- Ranges of the tables of an unfinished run, with what was found.
CREATE TABLE IF NOT EXISTS walbridge.verify_range (
    run         bigint NOT NULL,
    schema_name text NOT NULL,                      -- on the source
    table_name  text NOT NULL,
    fingerprint text NOT NULL,                      -- storage and columns of both sides
    number      integer NOT NULL,
    low         text,                               -- inclusive; NULL = from the start
    high        text,                               -- exclusive; NULL = to the end
    result      jsonb,                              -- NULL = not compared yet
    PRIMARY KEY (run, schema_name, table_name, number)
);

-- Tables that were found equal row by row, and at which position of the source.
CREATE TABLE IF NOT EXISTS walbridge.verify_equal (
    task        text NOT NULL,
    schema_name text NOT NULL,
    table_name  text NOT NULL,
    fingerprint text NOT NULL,                      -- columns of both sides
    position    pg_lsn NOT NULL,
    PRIMARY KEY (task, schema_name, table_name)
);

-- Objects that the schema stage of an earlier life of the task created and that `reset` left in place: created again under the same
-- name by the same statement, they count as done.
CREATE TABLE IF NOT EXISTS walbridge.kept_object (
    task        text NOT NULL,
    object_type text NOT NULL,
    object_name text NOT NULL,
    table_name  text,
    statement   text NOT NULL
);

-- The latest switchover of each task: how far it came, and the statements that undo it, noted before what they undo was done. It stays
-- when the task is released: a switchback opens the old source with it.
CREATE TABLE IF NOT EXISTS walbridge.switchover (
    task         text PRIMARY KEY,
    started_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    outcome      text,                              -- undone, switched-over; NULL = under way, or cut off
    step         text NOT NULL,
    reverse_task text NOT NULL DEFAULT '',          -- the task of the way back
    reverse_file text NOT NULL DEFAULT '',
    fence_lsn    pg_lsn,                            -- of the source: the target held everything up to it
    undo         jsonb NOT NULL DEFAULT '[]',       -- side, what, statement, opens
    report       jsonb
);

-- Replica identities that walbridge set on the source (source.replica_identity = "set"); `release` puts the old ones back.
CREATE TABLE IF NOT EXISTS walbridge.replica_identity (
    task        text NOT NULL,
    schema_name text NOT NULL,
    table_name  text NOT NULL,
    statement   text NOT NULL,                      -- restores the table's identity
    PRIMARY KEY (task, schema_name, table_name)
);
