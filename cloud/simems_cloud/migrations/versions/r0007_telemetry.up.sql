-- Raw values lie packed by frame as ingest put them, until the worker has rolled them up and packed them by channel.
-- What is not rolled up yet is the worker's list of work; a frame leaves in the transaction that packs its values.
create table frame_values (
    tenant_id uuid not null,
    device_id uuid not null,
    sequence bigint not null,
    site_id text not null,
    start_at timestamptz not null,
    end_at timestamptz not null,
    channel_ids bigint[] not null,
    times_us bigint[] not null,
    "values" double precision[] not null,
    quality smallint[],
    rolled_up boolean not null default false,
    primary key (tenant_id, device_id, sequence)
);
comment on table frame_values is 'One frame; values channel by channel, NaN: none; quality null: all good';
alter table frame_values alter "values" set storage external, alter times_us set storage external,
    alter channel_ids set storage external;
create index frame_values_time on frame_values (tenant_id, site_id, start_at);
create index frame_values_waiting on frame_values (tenant_id, site_id) where not rolled_up;

alter table measurement_blocks rename to old_blocks;
alter table rollup_1min rename to old_1min;
alter table rollup_15min rename to old_15min;
alter index measurement_blocks_pkey rename to old_blocks_pkey;
alter index rollup_1min_pkey rename to old_1min_pkey;
alter index rollup_15min_pkey rename to old_15min_pkey;
drop view measurements;

-- Partitions by month are made by the worker before it writes; there is no default partition to fill unnoticed.
-- With TimescaleDB in the database the rollups are hypertables instead.
do $$
declare
    hyper boolean := exists (select from pg_extension where extname = 'timescaledb');
    by_month text := case when hyper then '' else 'partition by range (start_at)' end;
    columns text := '
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
        energy_wh double precision,
        gap_wh double precision not null default 0,
        resets smallint not null default 0,';
    t text;
begin
    create table measurement_blocks (
        tenant_id uuid not null,
        channel_id bigint not null,
        start_at timestamptz not null,
        device_id uuid not null,
        first_sequence bigint not null,
        end_at timestamptz not null,
        times_us bigint[] not null,
        "values" double precision[] not null,
        quality smallint[],
        primary key (tenant_id, channel_id, start_at, device_id, first_sequence)
    ) partition by range (start_at);
    execute format('create table rollup_1min (%s primary key (tenant_id, channel_id, start_at)) %s', columns, by_month);
    execute format('create table rollup_15min (%s minutes_seen integer not null,
        primary key (tenant_id, channel_id, start_at)) %s', columns, by_month);
    if hyper then
        perform create_hypertable('rollup_1min', 'start_at', chunk_time_interval => interval '1 month');
        perform create_hypertable('rollup_15min', 'start_at', chunk_time_interval => interval '1 month');
    end if;
    foreach t in array array['frame_values', 'measurement_blocks', 'rollup_1min', 'rollup_15min'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy tenant on %I using (tenant_id = app_tenant()) with check (tenant_id = app_tenant())', t);
    end loop;
    foreach t in array array['rollup_1min', 'rollup_15min'] loop
        execute format('comment on column %I.positive_sum is ''Sum of the values above zero: import apart from export''', t);
        execute format('comment on column %I.energy_wh is
            ''Of a register: what it counted in this interval, resets handled; null: not a register''', t);
        execute format('comment on column %I.gap_wh is
            ''The part of energy_wh that was counted at some time in a gap before this interval''', t);
    end loop;
end $$;
comment on table measurement_blocks is 'One channel over a time span of at most a day; NaN: no value; quality null: all good';
comment on column measurement_blocks.first_sequence is 'Of the first frame the values came in';
comment on column rollup_15min.minutes_seen is 'Bit n: minute n of the quarter hour is covered by valid values';

-- Makes the months from..until of every partitioned table here; months there already are left. Whoever writes calls it.
create function make_partitions(since timestamptz, until timestamptz) returns integer
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    made integer := 0;
    t text;
    part text;
    month timestamptz;
    holder name;
begin
    if since < '2019-12-01 UTC' or until > now() + interval '2 years' then
        raise exception 'no partitions for % to %', since, until using errcode = 'datetime_field_overflow';
    end if;
    perform pg_advisory_xact_lock(7700003);
    for t in select p.relname from pg_class p where p.relkind = 'p' and p.relnamespace = 'public'::regnamespace
        and p.relname in ('measurement_blocks', 'rollup_1min', 'rollup_15min') order by 1
    loop
        for month in select generate_series(date_trunc('month', since at time zone 'UTC'),
            date_trunc('month', until at time zone 'UTC'), interval '1 month') at time zone 'UTC'
        loop
            part := t || '_' || to_char(month at time zone 'UTC', 'YYYYMM');
            continue when to_regclass('public.' || part) is not null;
            execute format('create table public.%I (like public.%I including defaults including storage) with (fillfactor = %s)',
                part, t, case t when 'measurement_blocks' then 100 else 80 end);
            execute format('alter table public.%I enable row level security, force row level security', part);
            execute format('create policy tenant on public.%I using (tenant_id = app_tenant())
                with check (tenant_id = app_tenant())', part);
            for holder in select distinct a.grantee::regrole from pg_class c, aclexplode(c.relacl) a
                where c.oid = to_regclass('public.' || part) and a.grantee <> c.relowner
                and a.grantee::regrole::text <> 'simems_backup'
            loop
                execute format('revoke all on public.%I from %I', part, holder);
            end loop;
            execute format('alter table public.%I attach partition public.%I for values from (%L) to (%L)',
                t, part, month, (month at time zone 'UTC' + interval '1 month') at time zone 'UTC');
            made := made + 1;
        end loop;
    end loop;
    return made;
end $$;
revoke all on function make_partitions(timestamptz, timestamptz) from public;
grant execute on function make_partitions(timestamptz, timestamptz) to simems_worker;
select make_partitions(now() - interval '1 month', now() + interval '2 months');

-- What was stored before, tenant by tenant.
do $$
declare
    tenant uuid;
    span record;
begin
    for tenant in select p.tenant_id from platform_tenants() p loop
        perform set_config('app.tenant', tenant::text, true);
        select min(low) as low, max(high) as high into span from (
            select min(start_at) as low, max(start_at) as high from old_blocks
            union all select min(start_at), max(start_at) from old_1min
            union all select min(start_at), max(start_at) from old_15min) times;
        continue when span.low is null;
        perform make_partitions(span.low, span.high);
        insert into measurement_blocks (tenant_id, channel_id, start_at, device_id, first_sequence, end_at, times_us,
            "values", quality)
        select b.tenant_id, b.channel_id, b.start_at, b.device_id, b.sequence, b.end_at, f.times_us,
            array_replace(b."values", null, 'NaN'), b.quality
        from old_blocks b join frames f on f.tenant_id = b.tenant_id and f.device_id = b.device_id and f.sequence = b.sequence;
        insert into rollup_1min select * from old_1min;
        insert into rollup_15min (tenant_id, channel_id, start_at, count, sum, positive_sum, minimum, maximum,
            first_value, first_at, last_value, last_at, minutes_seen)
        select tenant_id, channel_id, start_at, count, sum, positive_sum, minimum, maximum, first_value, first_at,
            last_value, last_at, minutes_seen from old_15min;
    end loop;
    perform set_config('app.tenant', '', true);
end $$;
drop table old_blocks, old_1min, old_15min;
alter table frames drop column times_us;
alter table devices add column forgotten_sequence bigint not null default 0;
comment on column devices.forgotten_sequence is 'Up to here every frame is known and its row in frames may be gone';
alter table channels add column rollover double precision not null default 0 check (rollover >= 0);
comment on column channels.rollover is 'Of a register: the value at which it starts again from zero; 0: not known';

create view measurements with (security_invoker = true) as
select b.tenant_id, c.site_id, c.address as channel, c.unit, 'epoch'::timestamptz + row.time_us * interval '1 us' as time,
    nullif(row.value, 'NaN') as value, coalesce(row.quality, 0) as quality, b.device_id, b.first_sequence as sequence
from measurement_blocks b
join channels c on c.tenant_id = b.tenant_id and c.channel_id = b.channel_id
cross join lateral unnest(b.times_us, b."values", b.quality) as row (time_us, value, quality)
union all
select f.tenant_id, c.site_id, c.address, c.unit, 'epoch'::timestamptz + row.time_us * interval '1 us',
    nullif(row.value, 'NaN'), coalesce(row.quality, 0), f.device_id, f.sequence
from frame_values f
cross join lateral unnest(f.channel_ids) with ordinality as n (channel_id, place)
join channels c on c.tenant_id = f.tenant_id and c.channel_id = n.channel_id
cross join lateral (select ((n.place - 1) * cardinality(f.times_us))::int as low,
    (n.place * cardinality(f.times_us))::int as high) as part
cross join lateral unnest(f.times_us, f."values"[part.low + 1:part.high], f.quality[part.low + 1:part.high])
    as row (time_us, value, quality);
comment on view measurements is 'A row a value, packed or not; value null: none that is valid';

-- Energy per quarter hour, component and direction, from each source there is.
create view energy_sources with (security_invoker = true) as
select r.tenant_id, c.site_id, split_part(c.address, '/', 1) as component_id,
    case split_part(c.address, '/', 2)
        when 'import_energy_wh' then 'import' when 'export_energy_wh' then 'export'
        when 'charge_energy_wh' then 'charge' when 'discharge_energy_wh' then 'discharge'
        when 'session_energy_wh' then 'charging' when 'energy_wh' then
            case k.kind when 'evcs' then 'charging' when 'load' then 'consumption' else 'production' end
    end as direction,
    'register' as source, r.start_at, r.energy_wh, r.gap_wh, r.resets, r.minutes_seen
from rollup_15min r
join channels c on c.tenant_id = r.tenant_id and c.channel_id = r.channel_id
left join components k on k.tenant_id = c.tenant_id and k.site_id = c.site_id
    and k.component_id = split_part(c.address, '/', 1)
where r.energy_wh is not null and split_part(c.address, '/', 2) in ('import_energy_wh', 'export_energy_wh',
    'charge_energy_wh', 'discharge_energy_wh', 'session_energy_wh', 'energy_wh')
union all
select r.tenant_id, c.site_id, split_part(c.address, '/', 1), d.direction, 'power', r.start_at,
    case when d.positive then r.positive_sum else r.positive_sum - r.sum end / r.count
        * bit_count(r.minutes_seen::bit(15)) / 60.0, 0, 0, r.minutes_seen
from rollup_15min r
join channels c on c.tenant_id = r.tenant_id and c.channel_id = r.channel_id
left join components k on k.tenant_id = c.tenant_id and k.site_id = c.site_id
    and k.component_id = split_part(c.address, '/', 1)
join (values ('meter', 'import', true), ('meter', 'export', false), ('grid_meter', 'import', true),
    ('grid_meter', 'export', false), ('pv', 'production', true), ('ess', 'discharge', true), ('ess', 'charge', false),
    ('evcs', 'charging', true), ('load', 'consumption', true)) as d (kind, direction, positive)
    on d.kind = case when c.address = 'site/load_power_w' then 'load' else lower(k.kind) end
where c.address = 'site/load_power_w' or split_part(c.address, '/', 2) = 'active_power_w';
comment on view energy_sources is
    'source register: counted by the device; power: mean power over the covered minutes. gap_wh: flowed in a gap before';

-- The register's figure where there is one, else the integrated power.
create view energy_15min with (security_invoker = true) as
select distinct on (tenant_id, site_id, component_id, direction, start_at) * from energy_sources
order by tenant_id, site_id, component_id, direction, start_at, source = 'power';

-- PostgreSQL refuses COPY into a table with row-level security. A view with a trigger takes it: the rows come in one
-- stream, each is inserted under the policies of the tables.
create view frame_door with (security_invoker = true) as
select f.device_id, f.site_id, f.sequence, f.kind, f.checksum, f.refusal, v.start_at, v.end_at, v.channel_ids, v.times_us,
    v."values", v.quality
from frames f left join frame_values v
    on v.tenant_id = f.tenant_id and v.device_id = f.device_id and v.sequence = f.sequence;
create function frame_comes_in() returns trigger
    language plpgsql set search_path = public, pg_temp
    as $$ begin
        insert into frames (tenant_id, device_id, site_id, sequence, kind, checksum, refusal)
        values (app_tenant(), new.device_id, new.site_id, new.sequence, new.kind, new.checksum, new.refusal);
        if new.channel_ids is not null then
            insert into frame_values (tenant_id, device_id, site_id, sequence, start_at, end_at, channel_ids, times_us,
                "values", quality)
            values (app_tenant(), new.device_id, new.site_id, new.sequence, new.start_at, new.end_at, new.channel_ids,
                new.times_us, new."values", new.quality);
        end if;
        return new;
    end $$;
create trigger frame_comes_in instead of insert on frame_door for each row execute function frame_comes_in();

-- The first and the last word of a batch, each one way to the server and back.
create function begin_batch(device uuid, sequences bigint[])
    returns table (site_id text, forgotten_sequence bigint, known bigint[], checksums bytea[], refusals text[])
    language plpgsql set search_path = public, pg_temp
    as $$ #variable_conflict use_column
    begin
        select d.site_id, d.forgotten_sequence into site_id, forgotten_sequence from devices d
        where d.device_id = device for no key update;
        select array_agg(f.sequence), array_agg(f.checksum), array_agg(f.refusal) into known, checksums, refusals
        from frames f where f.device_id = device and f.sequence = any (sequences);
        return next;
    end $$;

create function end_batch(device uuid, site text, channel_ids bigint[], "values" double precision[], value_at timestamptz[],
    qualities smallint[], at timestamptz[], news text) returns bigint
    language plpgsql set search_path = public, pg_temp
    as $$
    declare
        acked bigint;
    begin
        insert into latest as l (tenant_id, channel_id, site_id, value, value_at, quality, at)
        select app_tenant(), n.c, site, n.v, n.va, n.q, n.t
        from unnest(channel_ids, "values", value_at, qualities, at) as n (c, v, va, q, t)
        order by n.c
        on conflict on constraint latest_pkey do update set
            value = coalesce(excluded.value, l.value),
            value_at = coalesce(excluded.value_at, l.value_at),
            quality = excluded.quality,
            at = excluded.at
        where excluded.at >= l.at;
        select d.acked_sequence into acked from devices d where d.device_id = device;
        select coalesce(max(sequence), acked) into acked from (
            select f.sequence, f.sequence - row_number() over (order by f.sequence) as island
            from frames f where f.device_id = device and f.sequence > acked) run
        where island = acked;
        update devices d set acked_sequence = acked, last_seen_at = greatest(d.last_seen_at, now()),
            last_frame_at = greatest(d.last_frame_at, now()) where d.device_id = device;
        perform pg_notify('simems_live', news);
        return acked;
    end $$;
create view block_door with (security_invoker = true) as
select channel_id, start_at, device_id, first_sequence, end_at, times_us, "values", quality from measurement_blocks;
create function block_comes_in() returns trigger
    language plpgsql set search_path = public, pg_temp
    as $$ begin
        insert into measurement_blocks (tenant_id, channel_id, start_at, device_id, first_sequence, end_at, times_us,
            "values", quality)
        values (app_tenant(), new.channel_id, new.start_at, new.device_id, new.first_sequence, new.end_at, new.times_us,
            new."values", new.quality);
        return new;
    end $$;
create trigger block_comes_in instead of insert on block_door for each row execute function block_comes_in();

revoke all on function begin_batch(uuid, bigint[]), end_batch(uuid, text, bigint[], double precision[], timestamptz[],
    smallint[], timestamptz[], text) from public;
grant execute on function begin_batch(uuid, bigint[]), end_batch(uuid, text, bigint[], double precision[], timestamptz[],
    smallint[], timestamptz[], text) to simems_ingest;
grant insert on block_door to simems_worker;
grant select on frame_values, measurement_blocks, measurements, rollup_1min, rollup_15min, energy_sources,
    energy_15min to simems_app, simems_worker;
grant insert on frame_door, frame_values to simems_ingest;
grant select on frame_values to simems_ingest;

grant usage on schema public to simems_worker;
grant select on tenants, sites, devices, components, channels, frames, latest, alarms, site_facts to simems_worker;
grant insert, delete on frame_values, measurement_blocks, rollup_1min, rollup_15min to simems_worker;
grant update on rollup_1min, rollup_15min to simems_worker;
grant update (rolled_up) on frame_values to simems_worker;
grant delete on frames to simems_worker;
grant update (forgotten_sequence) on devices to simems_worker;
grant insert, update on alarms to simems_worker;
grant execute on function append_audit(timestamptz, text, text, text, jsonb) to simems_worker;

grant select on frame_values to simems_lookup;
create policy lookup on frame_values for select to simems_lookup using (true);
create function sites_to_roll_up(at_most integer) returns table (tenant_id uuid, site_id text)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select distinct f.tenant_id, f.site_id from public.frame_values f where not f.rolled_up limit at_most $$;
create function sites_to_pack(before timestamptz, at_most integer) returns table (tenant_id uuid, site_id text)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select distinct f.tenant_id, f.site_id from public.frame_values f
          where f.rolled_up and f.end_at < before limit at_most $$;
create function active_tenants() returns table (tenant_id uuid)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select t.tenant_id from public.tenants t where t.status in ('active', 'suspended') order by t.tenant_id $$;
revoke all on function sites_to_roll_up(integer), sites_to_pack(timestamptz, integer), active_tenants() from public;
grant execute on function sites_to_roll_up(integer), sites_to_pack(timestamptz, integer), active_tenants() to simems_worker;
grant create on schema public to simems_lookup;
alter function sites_to_roll_up(integer) owner to simems_lookup;
alter function sites_to_pack(timestamptz, integer) owner to simems_lookup;
alter function active_tenants() owner to simems_lookup;
revoke create on schema public from simems_lookup;
