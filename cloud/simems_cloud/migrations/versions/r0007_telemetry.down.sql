set role simems_lookup;
drop function sites_to_roll_up(integer), sites_to_pack(timestamptz, integer), active_tenants();
set role simems_owner;
drop view frame_door, block_door, energy_15min, energy_sources, measurements;
drop function frame_comes_in(), block_comes_in(), begin_batch(uuid, bigint[]), end_batch(uuid, text, bigint[],
    double precision[], timestamptz[], smallint[], timestamptz[], text);
alter table frames add column times_us bigint[] not null default '{}';
alter table channels drop column rollover;
alter table devices drop column forgotten_sequence;
alter table measurement_blocks rename to new_blocks;
alter table rollup_1min rename to new_1min;
alter table rollup_15min rename to new_15min;
alter index measurement_blocks_pkey rename to new_blocks_pkey;
alter index rollup_1min_pkey rename to new_1min_pkey;
alter index rollup_15min_pkey rename to new_15min_pkey;

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
create table rollup_15min (
    like rollup_1min including defaults including constraints including comments,
    minutes_seen integer not null,
    primary key (tenant_id, channel_id, start_at),
    foreign key (tenant_id, channel_id) references channels on delete cascade
) with (fillfactor = 80);
do $$
declare
    t text;
    tenant uuid;
begin
    foreach t in array array['measurement_blocks', 'rollup_1min', 'rollup_15min'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy tenant on %I using (tenant_id = app_tenant()) with check (tenant_id = app_tenant())', t);
    end loop;
    for tenant in select p.tenant_id from platform_tenants() p loop
        perform set_config('app.tenant', tenant::text, true);
        -- Frames whose values are not packed yet go back as they were.
        update frames f set times_us = v.times_us from frame_values v
        where v.tenant_id = f.tenant_id and v.device_id = f.device_id and v.sequence = f.sequence;
        insert into measurement_blocks
        select v.tenant_id, n.channel_id, v.start_at, v.device_id, v.sequence, v.end_at,
            array_replace(v."values"[(n.place - 1) * cardinality(v.times_us) + 1:n.place * cardinality(v.times_us)], 'NaN', null),
            v.quality[(n.place - 1) * cardinality(v.times_us) + 1:n.place * cardinality(v.times_us)]
        from frame_values v cross join lateral unnest(v.channel_ids) with ordinality as n (channel_id, place);
        -- Packed blocks hang on frames of their own, numbered beyond any device's.
        create temporary table block_numbers on commit drop as
            select b.channel_id, b.start_at, b.device_id, b.first_sequence, c.site_id,
                (1::bigint << 62) + row_number() over () as number
            from new_blocks b join channels c on c.tenant_id = b.tenant_id and c.channel_id = b.channel_id;
        insert into frames (tenant_id, device_id, site_id, sequence, kind, checksum, times_us)
        select b.tenant_id, b.device_id, k.site_id, k.number, 'telemetry', '\x', b.times_us
        from new_blocks b join block_numbers k using (channel_id, start_at, device_id, first_sequence);
        insert into measurement_blocks
        select b.tenant_id, b.channel_id, b.start_at, b.device_id, k.number, b.end_at,
            array_replace(b."values", 'NaN', null), b.quality
        from new_blocks b join block_numbers k using (channel_id, start_at, device_id, first_sequence);
        drop table block_numbers;
        insert into rollup_1min select tenant_id, channel_id, start_at, count, sum, positive_sum, minimum, maximum,
            first_value, first_at, last_value, last_at from new_1min;
        insert into rollup_15min select tenant_id, channel_id, start_at, count, sum, positive_sum, minimum, maximum,
            first_value, first_at, last_value, last_at, minutes_seen from new_15min;
    end loop;
    perform set_config('app.tenant', '', true);
end $$;
drop function make_partitions(timestamptz, timestamptz);
drop table new_blocks, new_1min, new_15min, frame_values;
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
grant select on measurement_blocks, measurements, rollup_1min, rollup_15min to simems_app, simems_ingest;
grant insert, update on rollup_1min, rollup_15min to simems_ingest;
grant insert on measurement_blocks to simems_ingest;
revoke all on all tables in schema public from simems_worker;
revoke all on function append_audit(timestamptz, text, text, text, jsonb) from simems_worker;
revoke usage on schema public from simems_worker;
