-- target_state_mysql.sql: walbridge's state on a MySQL or MariaDB target, in a database of its own. The tables are those of
-- target_state.sql, where their columns are explained. Run by the service at the start of a task, statement by statement; each may be
-- run again. Positions are text (X/Y), times are UTC. Everything is InnoDB: the state is written in the transactions of the data.

CREATE DATABASE IF NOT EXISTS walbridge CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS walbridge.state_version (
    version integer NOT NULL
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS walbridge.task (
    task                varchar(63) PRIMARY KEY,
    state               varchar(20) NOT NULL DEFAULT 'new',
    phase               varchar(20),
    paused              tinyint(1) NOT NULL DEFAULT 0,
    error               longtext,
    stages              varchar(100) NOT NULL,
    renames             longtext,
    source_system       varchar(40),
    source_timeline     integer,
    source_database     varchar(64),
    source_database_oid bigint,
    slot_name           varchar(64),
    slot_plugin         varchar(64),
    slot_created_lsn    varchar(20),
    slot_transactions   bigint,
    slot_confirmed      varchar(20),
    source_restored     tinyint(1) NOT NULL DEFAULT 0,
    throttle            longtext,
    objects             longtext,
    reverse_of          varchar(40),
    reverse_task        varchar(40),
    rules               longtext,
    sync_of             varchar(40),
    control             varchar(20),
    control_at          datetime(6),
    holder              varchar(300),
    status              longtext,
    status_at           datetime(6),
    created_at          datetime(6) NOT NULL DEFAULT current_timestamp(6),
    updated_at          datetime(6) NOT NULL DEFAULT current_timestamp(6)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS walbridge.progress (
    task        varchar(63) PRIMARY KEY,
    epoch       bigint NOT NULL DEFAULT 0,
    position    varchar(20) NOT NULL,
    counter     bigint NOT NULL DEFAULT 0,
    commit_time datetime(6),
    updated_at  datetime(6) NOT NULL DEFAULT current_timestamp(6)
) ENGINE = InnoDB;

-- A source transaction of which a part is on the target, because DDL commits by itself: so many of its changes are there. With
-- `commands` the next change is DDL under way: command number `step` may have been executed, which the tables' definitions tell.
CREATE TABLE IF NOT EXISTS walbridge.begun_transaction (
    task          varchar(63) PRIMARY KEY,
    commit_lsn    varchar(20) NOT NULL,
    `changes`     bigint NOT NULL,
    commands      longtext,
    step          integer NOT NULL DEFAULT 0,
    tables_before longtext
) ENGINE = InnoDB;

-- The source's tables as the target follows them (docs/mysql.md, DDL).
CREATE TABLE IF NOT EXISTS walbridge.table_definition (
    task          varchar(63) NOT NULL,
    source_oid    bigint NOT NULL,
    definition    longtext NOT NULL,
    PRIMARY KEY (task, source_oid)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS walbridge.table_sync (
    task        varchar(63) NOT NULL,
    source_oid  bigint NOT NULL,
    schema_name varchar(64) NOT NULL,
    table_name  varchar(64) NOT NULL,
    chunk       integer NOT NULL,
    chunk_kind  varchar(10) NOT NULL DEFAULT 'whole',
    low         varchar(40),
    high        varchar(40),
    sync_lsn    varchar(20),
    done        tinyint(1) NOT NULL DEFAULT 0,
    `rows`      bigint NOT NULL DEFAULT 0,
    bytes       bigint NOT NULL DEFAULT 0,
    estimated_rows  bigint NOT NULL DEFAULT 0,
    estimated_bytes bigint NOT NULL DEFAULT 0,
    started_at  datetime(6),
    finished_at datetime(6),
    fingerprint longtext,
    unlogged    tinyint(1) NOT NULL DEFAULT 0,
    existing    varchar(10) NOT NULL DEFAULT 'none',
    kept        bigint NOT NULL DEFAULT 0,
    overwritten bigint NOT NULL DEFAULT 0,
    `rule`      longtext NOT NULL DEFAULT (''),
    PRIMARY KEY (task, source_oid, chunk)
) ENGINE = InnoDB;

-- Of a state from before these columns. MySQL has no ADD COLUMN IF NOT EXISTS.
SET @walbridge_statement = (SELECT IF(count(*) = 0, 'ALTER TABLE walbridge.table_sync ADD COLUMN existing varchar(10) NOT NULL DEFAULT ''none'', ADD COLUMN kept bigint NOT NULL DEFAULT 0, ADD COLUMN overwritten bigint NOT NULL DEFAULT 0', 'DO 0') FROM information_schema.columns WHERE table_schema = 'walbridge' AND table_name = 'table_sync' AND column_name = 'existing');
PREPARE walbridge_statement FROM @walbridge_statement;
EXECUTE walbridge_statement;
DEALLOCATE PREPARE walbridge_statement;

CREATE TABLE IF NOT EXISTS walbridge.object_change (
    task        varchar(63) NOT NULL,
    number      integer NOT NULL,
    command     integer NOT NULL,
    action      varchar(10) NOT NULL,
    pattern     longtext NOT NULL,
    emptied     tinyint(1) NOT NULL DEFAULT 0,
    state       varchar(20) NOT NULL DEFAULT 'asked',
    lsn         varchar(20),
    sync_task   varchar(63),
    reason      varchar(200) NOT NULL DEFAULT '',
    error       longtext,
    asked_at    datetime(6) NOT NULL DEFAULT current_timestamp(6),
    done_at     datetime(6),
    PRIMARY KEY (task, number)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS walbridge.large_object (
    task        varchar(63) NOT NULL,
    oid         bigint NOT NULL,
    done        tinyint(1) NOT NULL DEFAULT 0,
    bytes       bigint,
    PRIMARY KEY (task, oid)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS walbridge.schema_item (
    task        varchar(63) NOT NULL,
    item        integer NOT NULL,
    section     varchar(20) NOT NULL,
    object_type varchar(40) NOT NULL,
    object_name varchar(300) NOT NULL,
    table_name  varchar(140),
    statement   longtext NOT NULL,
    begun       tinyint(1) NOT NULL DEFAULT 0, -- the statement may have run: DDL commits by itself
    done        tinyint(1) NOT NULL DEFAULT 0,
    PRIMARY KEY (task, item)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS walbridge.conflict (
    id          bigint AUTO_INCREMENT PRIMARY KEY,
    task        varchar(63) NOT NULL,
    at          datetime(6) NOT NULL DEFAULT current_timestamp(6),
    kind        varchar(40) NOT NULL,
    policy      varchar(40) NOT NULL,
    outcome     varchar(40) NOT NULL,
    schema_name varchar(64) NOT NULL,
    table_name  varchar(64) NOT NULL,
    operation   varchar(10),
    commit_lsn  varchar(20) NOT NULL,
    `change`    bigint NOT NULL,
    commit_time datetime(6),
    constraint_name varchar(200),
    `key`       longtext,
    source_row  longtext,
    source_origin varchar(200),
    target_row  longtext,
    target_origin varchar(200),
    target_commit_time datetime(6),
    decision    varchar(20),
    decided_by  varchar(200),
    decided_at  datetime(6),
    edited_row  longtext,
    UNIQUE (task, commit_lsn, `change`, kind)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS walbridge.ddl_statement (
    id          bigint AUTO_INCREMENT PRIMARY KEY,
    task        varchar(63) NOT NULL,
    at          datetime(6) NOT NULL DEFAULT current_timestamp(6),
    commit_lsn  varchar(20) NOT NULL,
    number      bigint NOT NULL,
    `change`    bigint NOT NULL,
    state       varchar(20) NOT NULL,
    tag         varchar(100),
    object_class varchar(40),
    statement   longtext,
    role        varchar(64),
    search_path longtext,
    commands    longtext,
    error       longtext,
    reason      longtext,
    message     longtext,
    UNIQUE (task, commit_lsn, number, `change`)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS walbridge.verify_alignment (
    task        varchar(63) PRIMARY KEY,
    request     varchar(64) NOT NULL,
    state       varchar(20) NOT NULL,
    source_snapshot longtext,
    source_lsn  varchar(20),
    keys_since  varchar(20),
    epoch       bigint,
    position    varchar(20),
    keys_complete_since varchar(20),
    reason      longtext,
    asked_at    datetime(6) NOT NULL DEFAULT current_timestamp(6)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS walbridge.verify_key (
    task        varchar(63) NOT NULL,
    request     varchar(64) NOT NULL,
    schema_name varchar(64) NOT NULL,
    table_name  varchar(64) NOT NULL,
    since       varchar(20) NOT NULL,
    `key`       longtext,
    KEY (task)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS walbridge.verify_run (
    run         bigint AUTO_INCREMENT PRIMARY KEY,
    task        varchar(63) NOT NULL,
    mode        varchar(20) NOT NULL,
    options     varchar(1000) NOT NULL DEFAULT '',
    state       varchar(20) NOT NULL DEFAULT 'running',
    position    varchar(20),
    differences bigint NOT NULL DEFAULT 0,
    started_at  datetime(6) NOT NULL DEFAULT current_timestamp(6),
    finished_at datetime(6)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS walbridge.verify_range (
    run         bigint NOT NULL,
    schema_name varchar(64) NOT NULL,
    table_name  varchar(64) NOT NULL,
    fingerprint longtext NOT NULL,
    number      integer NOT NULL,
    low         longtext,
    high        longtext,
    result      longtext,
    PRIMARY KEY (run, schema_name, table_name, number)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS walbridge.verify_equal (
    task        varchar(63) NOT NULL,
    schema_name varchar(64) NOT NULL,
    table_name  varchar(64) NOT NULL,
    fingerprint longtext NOT NULL,
    position    varchar(20) NOT NULL,
    PRIMARY KEY (task, schema_name, table_name)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS walbridge.kept_object (
    task        varchar(63) NOT NULL,
    object_type varchar(40) NOT NULL,
    object_name varchar(300) NOT NULL,
    table_name  varchar(140),
    statement   longtext NOT NULL,
    KEY (task)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS walbridge.switchover (
    task         varchar(63) PRIMARY KEY,
    started_at   datetime(6) NOT NULL DEFAULT current_timestamp(6),
    finished_at  datetime(6),
    outcome      varchar(20),
    step         varchar(200) NOT NULL,
    reverse_task varchar(40) NOT NULL DEFAULT '',
    reverse_file varchar(1000) NOT NULL DEFAULT '',
    fence_lsn    varchar(20),
    `undo`       longtext NOT NULL,
    report       longtext
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS walbridge.replica_identity (
    task        varchar(63) NOT NULL,
    schema_name varchar(64) NOT NULL,
    table_name  varchar(64) NOT NULL,
    statement   longtext NOT NULL,
    PRIMARY KEY (task, schema_name, table_name)
) ENGINE = InnoDB;

-- What older versions created.
SET @walbridge_statement = (SELECT IF(count(*) = 0, 'ALTER TABLE walbridge.task ADD COLUMN rules longtext', 'DO 0') FROM information_schema.columns WHERE table_schema = 'walbridge' AND table_name = 'task' AND column_name = 'rules');
PREPARE walbridge_statement FROM @walbridge_statement;
EXECUTE walbridge_statement;
DEALLOCATE PREPARE walbridge_statement;
SET @walbridge_statement = (SELECT IF(count(*) = 0, 'ALTER TABLE walbridge.task ADD COLUMN sync_of varchar(40)', 'DO 0') FROM information_schema.columns WHERE table_schema = 'walbridge' AND table_name = 'task' AND column_name = 'sync_of');
PREPARE walbridge_statement FROM @walbridge_statement;
EXECUTE walbridge_statement;
DEALLOCATE PREPARE walbridge_statement;
SET @walbridge_statement = (SELECT IF(count(*) = 0, 'ALTER TABLE walbridge.table_sync ADD COLUMN `rule` longtext NOT NULL DEFAULT ('''')', 'DO 0') FROM information_schema.columns WHERE table_schema = 'walbridge' AND table_name = 'table_sync' AND column_name = 'rule');
PREPARE walbridge_statement FROM @walbridge_statement;
EXECUTE walbridge_statement;
DEALLOCATE PREPARE walbridge_statement;
ALTER TABLE walbridge.task MODIFY task varchar(63) NOT NULL;
ALTER TABLE walbridge.progress MODIFY task varchar(63) NOT NULL;
ALTER TABLE walbridge.begun_transaction MODIFY task varchar(63) NOT NULL;
ALTER TABLE walbridge.table_definition MODIFY task varchar(63) NOT NULL;
ALTER TABLE walbridge.table_sync MODIFY task varchar(63) NOT NULL;
ALTER TABLE walbridge.large_object MODIFY task varchar(63) NOT NULL;
ALTER TABLE walbridge.schema_item MODIFY task varchar(63) NOT NULL;
ALTER TABLE walbridge.verify_alignment MODIFY task varchar(63) NOT NULL;
ALTER TABLE walbridge.verify_key MODIFY task varchar(63) NOT NULL;
ALTER TABLE walbridge.verify_equal MODIFY task varchar(63) NOT NULL;
ALTER TABLE walbridge.kept_object MODIFY task varchar(63) NOT NULL;
ALTER TABLE walbridge.switchover MODIFY task varchar(63) NOT NULL;
ALTER TABLE walbridge.replica_identity MODIFY task varchar(63) NOT NULL;
ALTER TABLE walbridge.conflict MODIFY task varchar(63) NOT NULL;
ALTER TABLE walbridge.ddl_statement MODIFY task varchar(63) NOT NULL;
ALTER TABLE walbridge.verify_run MODIFY task varchar(63) NOT NULL;
