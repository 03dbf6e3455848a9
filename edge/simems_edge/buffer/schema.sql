-- AUTOINCREMENT: a sequence is never given twice, not even after its row was deleted.
create table if not exists frames (
    sequence integer primary key autoincrement,
    kind text not null check (kind in ('telemetry', 'events')),
    from_us integer not null,
    to_us integer not null,
    created_us integer not null,
    body blob not null
);
create index if not exists frames_by_time on frames (kind, to_us, from_us);
-- Acknowledged telemetry, short frames joined; only the local screen reads it, so it needs no sequence.
create table if not exists archive (
    id integer primary key,
    from_us integer not null,
    to_us integer not null,
    body blob not null
);
create index if not exists archive_by_time on archive (to_us, from_us);
-- Frames that the cloud can never store, kept for a person to look at.
create table if not exists refused (
    sequence integer primary key,
    kind text not null,
    body blob not null,
    reason text not null,
    refused_us integer not null
);
create table if not exists state (name text primary key, value integer not null) without rowid;
