create table if not exists sessions (
    number integer primary key,
    station text not null,
    connector integer not null,
    identity text not null,
    transaction_id text not null,
    id_tag text not null,
    started_us integer,
    meter_start_wh real,
    ended_us integer,
    meter_stop_wh real,
    last_us integer,
    last_wh real,
    last_sequence integer,
    reason text not null,
    remark text not null,
    unique (station, identity)
);
create index if not exists sessions_by_transaction on sessions (station, transaction_id);
create index if not exists sessions_open on sessions (station) where ended_us is null;

-- What a station has acknowledged as the current of a car that nobody speaks for.
create table if not exists safe_currents (
    station text not null,
    connector integer not null,
    current_a real not null,
    primary key (station, connector)
);

-- How many phases a connector was told to offer; over a restart, so that none comes or goes while a car charges.
create table if not exists offered_phases (
    station text not null,
    connector integer not null,
    phases integer not null,
    primary key (station, connector)
);
