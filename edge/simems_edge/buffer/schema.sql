-- What was appended and is not packed yet. AUTOINCREMENT: a sequence is never given twice, not even after its row was
-- deleted.
create table if not exists frames (
    sequence integer primary key autoincrement,
    kind text not null check (kind in ('telemetry', 'events')),
    from_us integer not null,
    to_us integer not null,
    created_us integer not null,
    body blob not null
);
create index if not exists frames_by_time on frames (kind, to_us, from_us);
-- Telemetry frames first_sequence .. last_sequence as packed columns (events between them stay in frames). What was
-- numbered anew has a shift. The summary stands before the body, so that a long view never reads the body's pages.
create table if not exists blocks (
    id integer primary key,
    first_sequence integer not null,
    last_sequence integer not null,
    shift integer not null default 0,
    from_us integer not null,
    to_us integer not null,
    frames integer not null,
    rows integer not null,
    thinned integer not null default 0,
    layout integer not null references layouts (id),
    summary blob not null,
    body blob not null
);
create index if not exists blocks_by_sequence on blocks (last_sequence);
create index if not exists blocks_by_time on blocks (to_us, from_us);
create table if not exists layouts (id integer primary key, body blob not null unique);
-- Frames that the cloud can never store, kept for a person to look at.
create table if not exists refused (
    sequence integer primary key,
    kind text not null,
    body blob not null,
    reason text not null,
    refused_us integer not null
);
create table if not exists state (name text primary key, value integer not null) without rowid;
