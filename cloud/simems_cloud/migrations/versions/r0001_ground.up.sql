-- Every table of a tenant starts its key with tenant_id and is under forced row-level security.

create function app_tenant() returns uuid
    language sql stable parallel safe
    return nullif(current_setting('app.tenant', true), '')::uuid;

create table tenants (
    tenant_id uuid primary key default gen_random_uuid(),
    name text not null unique check (name <> ''),
    created_at timestamptz not null default now()
);

create table users (
    tenant_id uuid not null references tenants on delete cascade,
    user_id uuid not null default gen_random_uuid(),
    email text not null check (email = lower(email) and email like '%_@_%'),
    name text not null default '',
    role text not null check (role in ('viewer', 'operator', 'admin')),
    password_hash text not null,
    active boolean not null default true,
    created_at timestamptz not null default now(),
    primary key (tenant_id, user_id)
);
create unique index users_email on users (email);

create table sites (
    tenant_id uuid not null references tenants on delete cascade,
    site_id text not null check (site_id <> ''),
    name text not null,
    time_zone text not null,
    currency text not null default '',
    settings jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, site_id)
);

create table devices (
    tenant_id uuid not null references tenants on delete cascade,
    device_id uuid not null default gen_random_uuid(),
    site_id text,
    name text not null,
    public_key text not null check (length(public_key) = 40),
    software text not null default '',
    acked_sequence bigint not null default 0,
    last_seen_at timestamptz,
    last_frame_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null default now(),
    primary key (tenant_id, device_id),
    foreign key (tenant_id, site_id) references sites
);
comment on column devices.acked_sequence is 'Highest sequence up to which every frame is committed';
comment on column devices.last_frame_at is 'Server time of the last durable frame';
create unique index devices_public_key on devices (public_key);
create index devices_site on devices (tenant_id, site_id);

create table components (
    tenant_id uuid not null,
    site_id text not null,
    component_id text not null,
    kind text not null,
    name text not null default '',
    profile text not null default '',
    position integer not null,
    primary key (tenant_id, site_id, component_id),
    foreign key (tenant_id, site_id) references sites on delete cascade
);

create table channels (
    tenant_id uuid not null,
    channel_id bigint generated always as identity,
    site_id text not null,
    address text not null,
    unit text not null default '',
    kind text not null default 'float',
    resolution double precision not null default 0,
    labels jsonb not null default '{}',
    position integer not null default 2147483647,
    announced boolean not null default false,
    primary key (tenant_id, channel_id),
    unique (tenant_id, site_id, address),
    foreign key (tenant_id, site_id) references sites on delete cascade
);
comment on column channels.announced is 'Part of the device''s last hello';

create table frames (
    tenant_id uuid not null,
    device_id uuid not null,
    sequence bigint not null check (sequence > 0),
    site_id text not null,
    kind text not null check (kind in ('telemetry', 'events', 'refused')),
    checksum bytea not null,
    times_us bigint[] not null default '{}',
    refusal text,
    received_at timestamptz not null default now(),
    primary key (tenant_id, device_id, sequence),
    foreign key (tenant_id, device_id) references devices on delete cascade
);
comment on column frames.times_us is 'UTC microseconds of the rows of this frame, strictly rising';

create table measurement_blocks (
    tenant_id uuid not null,
    channel_id bigint not null,
    start_at timestamptz not null,
    device_id uuid not null,
    sequence bigint not null,
    end_at timestamptz not null,
    "values" double precision[] not null,
    quality smallint[],
    primary key (tenant_id, channel_id, start_at, device_id, sequence),
    foreign key (tenant_id, channel_id) references channels on delete cascade
);
comment on table measurement_blocks is 'One channel over one frame; quality null: all good';

create view measurements with (security_invoker = true) as
select
    b.tenant_id,
    c.site_id,
    c.address as channel,
    c.unit,
    to_timestamp(row.time_us / 1e6) as time,
    row.value,
    coalesce(row.quality, 0) as quality,
    b.device_id,
    b.sequence
from measurement_blocks b
join channels c on c.tenant_id = b.tenant_id and c.channel_id = b.channel_id
join frames f on f.tenant_id = b.tenant_id and f.device_id = b.device_id and f.sequence = b.sequence
cross join lateral unnest(f.times_us, b."values", b.quality) as row (time_us, value, quality);

create table rollup_1min (
    tenant_id uuid not null,
    channel_id bigint not null,
    start_at timestamptz not null,
    count bigint not null,
    sum double precision not null,
    positive_sum double precision not null,
    minimum double precision not null,
    maximum double precision not null,
    first_value double precision not null,
    first_at timestamptz not null,
    last_value double precision not null,
    last_at timestamptz not null,
    primary key (tenant_id, channel_id, start_at),
    foreign key (tenant_id, channel_id) references channels on delete cascade
) with (fillfactor = 80);
comment on column rollup_1min.positive_sum is 'Sum of the values above zero: import apart from export';

create table rollup_15min (
    like rollup_1min including defaults including constraints including comments,
    minutes_seen integer not null,
    primary key (tenant_id, channel_id, start_at),
    foreign key (tenant_id, channel_id) references channels on delete cascade
) with (fillfactor = 80);
comment on column rollup_15min.minutes_seen is 'Bit n: minute n of the quarter hour is covered by valid values';

create table latest (
    tenant_id uuid not null,
    channel_id bigint not null,
    site_id text not null,
    value double precision,
    value_at timestamptz,
    quality smallint not null,
    at timestamptz not null,
    primary key (tenant_id, channel_id),
    foreign key (tenant_id, channel_id) references channels on delete cascade
) with (fillfactor = 70);
create index latest_site on latest (tenant_id, site_id);

create table alarms (
    tenant_id uuid not null,
    alarm_id uuid not null default gen_random_uuid(),
    site_id text not null,
    device_id uuid not null,
    origin text not null check (origin in ('edge', 'cloud')),
    event_id text not null,
    code text not null,
    severity text not null check (severity in ('info', 'warning', 'alarm')),
    component text not null default '',
    text text not null default '',
    cause text not null default '',
    effect text not null default '',
    remedy text not null default '',
    raised_at timestamptz not null,
    cleared_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    primary key (tenant_id, alarm_id),
    unique (tenant_id, device_id, origin, event_id),
    foreign key (tenant_id, site_id) references sites on delete cascade
);
create index alarms_site on alarms (tenant_id, site_id, raised_at desc);
create index alarms_active on alarms (tenant_id, site_id) where cleared_at is null;
create unique index alarms_cloud_once on alarms (tenant_id, device_id, code) where origin = 'cloud' and cleared_at is null;

create table audit (
    tenant_id uuid not null references tenants,
    audit_id bigint generated always as identity,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    object text not null,
    details jsonb not null default '{}',
    primary key (tenant_id, audit_id)
);

-- Wrong passwords belong to nobody yet; only the functions below reach them.
create table sign_in_attempts (
    key bytea primary key,
    failures integer not null,
    locked_until timestamptz,
    last_at timestamptz not null default now()
);

do $$
declare
    t text;
begin
    foreach t in array array['tenants', 'users', 'sites', 'devices', 'components', 'channels', 'frames',
        'measurement_blocks', 'rollup_1min', 'rollup_15min', 'latest', 'alarms', 'audit']
    loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy tenant on %I using (tenant_id = app_tenant()) with check (tenant_id = app_tenant())', t);
    end loop;
end $$;

grant usage on schema public to simems_app, simems_ingest, simems_lookup;
grant select on tenants, users, sites, devices, components, channels, frames, measurement_blocks, measurements,
    rollup_1min, rollup_15min, latest, alarms, audit to simems_app;
grant insert, update on alarms to simems_app;
grant insert on audit to simems_app;

grant select on tenants, sites, devices, components, channels, frames, measurement_blocks, rollup_1min, rollup_15min,
    latest, alarms to simems_ingest;
grant insert, update on sites, channels, rollup_1min, rollup_15min, latest, alarms to simems_ingest;
grant insert, update, delete on components to simems_ingest;
grant update (site_id, software, acked_sequence, last_seen_at, last_frame_at) on devices to simems_ingest;
grant insert on frames, measurement_blocks, audit to simems_ingest;

-- Lookups before a tenant is known: one role that owns only these functions and sees only these columns.
grant select on tenants, users, devices to simems_lookup;
grant select, insert, update, delete on sign_in_attempts to simems_lookup;
create policy lookup on tenants for select to simems_lookup using (true);
create policy lookup on users for select to simems_lookup using (true);
create policy lookup on devices for select to simems_lookup using (true);

create function platform_tenants() returns table (tenant_id uuid, name text, created_at timestamptz)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select tenant_id, name, created_at from public.tenants order by name $$;

create function user_by_email(sought text)
    returns table (tenant_id uuid, user_id uuid, password_hash text)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select tenant_id, user_id, password_hash from public.users where email = lower(sought) and active $$;

create function device_by_key(sought text) returns table (tenant_id uuid, device_id uuid, site_id text)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select tenant_id, device_id, site_id from public.devices where public_key = sought and revoked_at is null $$;

create function silent_devices(older_than timestamptz)
    returns table (tenant_id uuid, device_id uuid, site_id text, silent boolean, last_frame_at timestamptz)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select tenant_id, device_id, site_id, last_frame_at < older_than, last_frame_at from public.devices
          where site_id is not null and revoked_at is null and last_frame_at is not null $$;

-- Counts an attempt before the password is looked at; returns the seconds to wait, 0 when it may go on.
create function begin_sign_in(attempt_key bytea, allowed integer, lock_s integer) returns integer
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    found public.sign_in_attempts;
begin
    insert into public.sign_in_attempts as a (key, failures) values (attempt_key, 0)
    on conflict (key) do update set key = excluded.key
    returning * into found;
    if found.locked_until > now() then
        return ceil(extract(epoch from found.locked_until - now()));
    end if;
    if found.locked_until is not null or found.last_at < now() - make_interval(secs => lock_s) then
        found.failures := 0;
    end if;
    update public.sign_in_attempts set
        failures = found.failures + 1,
        last_at = now(),
        locked_until = case when found.failures + 1 >= allowed then now() + make_interval(secs => lock_s) end
    where key = attempt_key;
    return 0;
end $$;

create function sign_in_succeeded(attempt_key bytea) returns void
    language sql security definer set search_path = public, pg_temp
    as $$ delete from public.sign_in_attempts
          where key = attempt_key or last_at < now() - interval '1 day' $$;

grant create on schema public to simems_lookup;
do $$
declare
    f text;
begin
    foreach f in array array['platform_tenants()', 'user_by_email(text)', 'device_by_key(text)',
        'silent_devices(timestamptz)', 'begin_sign_in(bytea, integer, integer)', 'sign_in_succeeded(bytea)']
    loop
        execute format('revoke all on function %s from public', f);
        if f like 'device%' then
            execute format('grant execute on function %s to simems_ingest', f);
        elsif f <> 'platform_tenants()' then
            execute format('grant execute on function %s to simems_app', f);
        end if;
        execute format('alter function %s owner to simems_lookup', f);
    end loop;
end $$;
revoke create on schema public from simems_lookup;
set role simems_lookup;
grant execute on function platform_tenants() to simems_owner;
set role simems_owner;

-- Processes that know devices hear of new and revoked keys.
create function device_changed() returns trigger
    language plpgsql set search_path = public, pg_temp
    as $$ begin perform pg_notify('simems_devices', new.public_key); return new; end $$;
create trigger device_changed after insert or update of revoked_at, public_key on devices
    for each row execute function device_changed();

do $$
begin
    if exists (select from pg_roles where rolname = 'simems_backup') then
        grant usage on schema public to simems_backup;
        grant select on all tables in schema public to simems_backup;
        grant select on all sequences in schema public to simems_backup;
    end if;
end $$;
