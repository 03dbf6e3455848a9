-- name: latest
select c.address, c.labels, l.value, l.value_at, l.quality, l.at
from channels c left join latest l on l.tenant_id = c.tenant_id and l.channel_id = c.channel_id
where c.site_id = $1 and (c.announced or l.at is not null)
order by c.position, c.address

-- name: last_frame_at
select max(last_frame_at) from devices where site_id = $1 and revoked_at is null

-- name: channel_ids
select channel_id, address from channels where site_id = $1 and address = any ($2::text[])

-- name: packed_values
select channel_id, array_send(times_us) as times_us, array_send("values") as "values", array_send(quality) as quality
from measurement_blocks
where channel_id = any ($1::bigint[]) and start_at < $3::timestamptz and start_at >= $2::timestamptz - interval '1 day'
    and end_at >= $2::timestamptz
order by channel_id, start_at

-- name: fresh_values
select n.channel_id, array_send(f.times_us) as times_us, array_send(f."values"[part.low + 1:part.high]) as "values",
    array_send(f.quality[part.low + 1:part.high]) as quality
from frame_values f
cross join lateral unnest(f.channel_ids) with ordinality as n (channel_id, place)
cross join lateral (select ((n.place - 1) * cardinality(f.times_us))::int as low,
    (n.place * cardinality(f.times_us))::int as high) as part
where f.site_id = $4 and f.start_at < $3::timestamptz and f.start_at >= $2::timestamptz - interval '1 day'
    and f.end_at >= $2::timestamptz and n.channel_id = any ($1::bigint[])
order by f.start_at

-- name: next_values
-- Not before this time does any of these channels have a value; null: none before the end.
select min(greatest(start_at, $2::timestamptz)) from (
    (select b.start_at
    from unnest($1::bigint[]) as wanted (channel_id)
    cross join lateral (
        select m.start_at from measurement_blocks m
        where m.channel_id = wanted.channel_id and m.end_at >= $2::timestamptz
            and m.start_at >= $2::timestamptz - interval '1 day' and m.start_at < $3::timestamptz
        order by m.start_at limit 1
    ) as b)
    union all
    (select f.start_at from frame_values f
    where f.site_id = $4 and f.end_at >= $2::timestamptz and f.start_at >= $2::timestamptz - interval '1 day'
        and f.start_at < $3::timestamptz and f.channel_ids && $1::bigint[]
    order by f.start_at limit 1)
) as first

-- name: make_partitions
select make_partitions($1, $2)

-- name: sites_to_roll_up
select tenant_id, site_id from sites_to_roll_up($1)

-- name: sites_to_pack
select tenant_id, site_id from sites_to_pack($1, $2)

-- name: site_turn
select pg_try_advisory_xact_lock(hashtextextended(app_tenant()::text || '/' || $1, 7700004))

-- name: waiting_frames
select device_id, sequence, start_at, end_at, array_send(channel_ids) as channel_ids, array_send(times_us) as times_us,
    array_send("values") as "values", array_send(quality) as quality
from frame_values where site_id = $1 and not rolled_up
order by start_at desc limit $2

-- name: note_rolled_up
update frame_values f set rolled_up = true
from unnest($1::uuid[], $2::bigint[]) as n (device_id, sequence)
where f.device_id = n.device_id and f.sequence = n.sequence

-- name: frames_to_pack
select device_id, sequence, start_at, end_at, array_send(channel_ids) as channel_ids, array_send(times_us) as times_us,
    array_send("values") as "values", array_send(quality) as quality
from frame_values where site_id = $1 and rolled_up and end_at < $2
order by start_at limit $3

-- name: forget_values
delete from frame_values where device_id = $1 and sequence = any ($2::bigint[])

-- name: registers
select channel_id, rollover from channels where channel_id = any ($1::bigint[]) and address ~ $2

-- name: reading_neighbours
select max(b.last_at) as before_at, max(a.start_at) as after_at
from unnest($1::bigint[]) as n (channel_id)
left join lateral (select last_at from rollup_1min r where r.channel_id = n.channel_id and r.start_at < $2
    order by r.start_at desc limit 1) b on true
left join lateral (select start_at from rollup_1min r where r.channel_id = n.channel_id and r.start_at >= $3
    order by r.start_at limit 1) a on true

-- name: minute_readings
select r.channel_id, r.start_at, r.minimum, r.maximum, r.first_value, r.first_at, r.last_value, r.last_at
from unnest($1::bigint[]) as n (channel_id)
cross join lateral (
    (select * from rollup_1min where channel_id = n.channel_id and start_at < $2 order by start_at desc limit 1)
    union all
    (select * from rollup_1min where channel_id = n.channel_id and start_at >= $2 and start_at < $3)
    union all
    (select * from rollup_1min where channel_id = n.channel_id and start_at >= $3 order by start_at limit 1)) r
order by 1, 2

-- name: set_energy_1min
update rollup_1min r set energy_wh = n.energy_wh, gap_wh = n.gap_wh, resets = n.resets
from unnest($1::bigint[], $2::bigint[], $3::float8[], $4::float8[], $5::smallint[])
    as n (channel_id, start_us, energy_wh, gap_wh, resets)
where r.channel_id = n.channel_id and r.start_at = 'epoch'::timestamptz + n.start_us * interval '1 us'
    and (r.energy_wh, r.gap_wh, r.resets) is distinct from (n.energy_wh, n.gap_wh, n.resets)

-- name: set_energy_15min
update rollup_15min r set energy_wh = n.energy_wh, gap_wh = n.gap_wh, resets = n.resets
from unnest($1::bigint[], $2::bigint[], $3::float8[], $4::float8[], $5::smallint[])
    as n (channel_id, start_us, energy_wh, gap_wh, resets)
where r.channel_id = n.channel_id and r.start_at = 'epoch'::timestamptz + n.start_us * interval '1 us'
    and (r.energy_wh, r.gap_wh, r.resets) is distinct from (n.energy_wh, n.gap_wh, n.resets)

-- name: rollup_1min
select channel_id, array_send(array_agg(bucket order by bucket)) as bucket, array_send(array_agg(mean order by bucket)) as mean,
    array_send(array_agg(minimum order by bucket)) as minimum, array_send(array_agg(maximum order by bucket)) as maximum
from (
    select channel_id, extract(epoch from date_bin(make_interval(secs => $4), start_at, 'epoch'::timestamptz))::bigint as bucket,
        sum(sum) / sum(count) as mean, min(minimum) as minimum, max(maximum) as maximum
    from rollup_1min where channel_id = any ($1::bigint[]) and start_at >= $2 and start_at < $3 group by 1, 2) b
group by channel_id

-- name: rollup_1min_as_it_is
select channel_id, array_send(array_agg(extract(epoch from start_at)::bigint order by start_at)) as bucket,
    array_send(array_agg(sum / count order by start_at)) as mean,
    array_send(array_agg(minimum order by start_at)) as minimum, array_send(array_agg(maximum order by start_at)) as maximum
from rollup_1min where channel_id = any ($1::bigint[]) and start_at >= $2 and start_at < $3
group by channel_id

-- name: rollup_15min
select channel_id, array_send(array_agg(bucket order by bucket)) as bucket, array_send(array_agg(mean order by bucket)) as mean,
    array_send(array_agg(minimum order by bucket)) as minimum, array_send(array_agg(maximum order by bucket)) as maximum
from (
    select channel_id, extract(epoch from date_bin(make_interval(secs => $4), start_at, 'epoch'::timestamptz))::bigint as bucket,
        sum(sum) / sum(count) as mean, min(minimum) as minimum, max(maximum) as maximum
    from rollup_15min where channel_id = any ($1::bigint[]) and start_at >= $2 and start_at < $3 group by 1, 2) b
group by channel_id

-- name: rollup_15min_as_it_is
select channel_id, array_send(array_agg(extract(epoch from start_at)::bigint order by start_at)) as bucket,
    array_send(array_agg(sum / count order by start_at)) as mean,
    array_send(array_agg(minimum order by start_at)) as minimum, array_send(array_agg(maximum order by start_at)) as maximum
from rollup_15min where channel_id = any ($1::bigint[]) and start_at >= $2 and start_at < $3
group by channel_id

-- name: energy
select component_id, direction, sum(energy_wh) as energy_wh, bool_or(source = 'register') as counted,
    bool_or(source = 'power') as integrated
from energy_15min where site_id = $1 and start_at >= $2 and start_at < $3
group by 1, 2

-- name: peak
select r.sum / r.count as mean_w, r.start_at
from rollup_15min r join channels c on c.tenant_id = r.tenant_id and c.channel_id = r.channel_id
where c.site_id = $1 and c.address = any ($2::text[]) and r.start_at >= $3 and r.start_at < $4
order by 1 desc, 2 limit 1

-- name: lock_device
select site_id from devices where device_id = $1 for no key update

-- name: add_channels
insert into channels (tenant_id, site_id, address, resolution)
select app_tenant(), $1, a, r from unnest($2::text[], $3::float8[]) as n (a, r)
on conflict (tenant_id, site_id, address) do nothing

-- name: add_rollup_1min
insert into rollup_1min as r (tenant_id, channel_id, start_at, count, sum, positive_sum, minimum, maximum,
    first_value, first_at, last_value, last_at)
select app_tenant(), c, 'epoch'::timestamptz + start_us * interval '1 us', n, s, p, low, high,
    fv, 'epoch'::timestamptz + first_us * interval '1 us', lv, 'epoch'::timestamptz + last_us * interval '1 us'
from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::float8[], $5::float8[], $6::float8[], $7::float8[],
    $8::float8[], $9::bigint[], $10::float8[], $11::bigint[])
    as v (c, start_us, n, s, p, low, high, fv, first_us, lv, last_us)
on conflict (tenant_id, channel_id, start_at) do update set
    count = r.count + excluded.count,
    sum = r.sum + excluded.sum,
    positive_sum = r.positive_sum + excluded.positive_sum,
    minimum = least(r.minimum, excluded.minimum),
    maximum = greatest(r.maximum, excluded.maximum),
    first_value = case when excluded.first_at < r.first_at then excluded.first_value else r.first_value end,
    first_at = least(r.first_at, excluded.first_at),
    last_value = case when excluded.last_at >= r.last_at then excluded.last_value else r.last_value end,
    last_at = greatest(r.last_at, excluded.last_at)

-- name: add_rollup_15min
insert into rollup_15min as r (tenant_id, channel_id, start_at, count, sum, positive_sum, minimum, maximum,
    first_value, first_at, last_value, last_at, minutes_seen)
select app_tenant(), c, 'epoch'::timestamptz + start_us * interval '1 us', n, s, p, low, high,
    fv, 'epoch'::timestamptz + first_us * interval '1 us', lv, 'epoch'::timestamptz + last_us * interval '1 us', seen
from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::float8[], $5::float8[], $6::float8[], $7::float8[],
    $8::float8[], $9::bigint[], $10::float8[], $11::bigint[], $12::integer[])
    as v (c, start_us, n, s, p, low, high, fv, first_us, lv, last_us, seen)
on conflict (tenant_id, channel_id, start_at) do update set
    count = r.count + excluded.count,
    sum = r.sum + excluded.sum,
    positive_sum = r.positive_sum + excluded.positive_sum,
    minimum = least(r.minimum, excluded.minimum),
    maximum = greatest(r.maximum, excluded.maximum),
    first_value = case when excluded.first_at < r.first_at then excluded.first_value else r.first_value end,
    first_at = least(r.first_at, excluded.first_at),
    last_value = case when excluded.last_at >= r.last_at then excluded.last_value else r.last_value end,
    last_at = greatest(r.last_at, excluded.last_at),
    minutes_seen = r.minutes_seen | excluded.minutes_seen

-- name: advance
update devices d set acked_sequence = greatest(d.acked_sequence, $2, (
    select max(sequence) from (
        select sequence, sequence - row_number() over (order by sequence) as island
        from frames f where f.device_id = $1 and f.sequence > greatest(d.acked_sequence, $2)
    ) run where island = greatest(d.acked_sequence, $2)
)), last_seen_at = greatest(last_seen_at, now()),
    last_frame_at = case when $3 then greatest(last_frame_at, now()) else last_frame_at end
where device_id = $1
returning acked_sequence

-- name: touch
update devices set last_seen_at = greatest(last_seen_at, $2) where device_id = $1

-- name: upsert_site
insert into sites (tenant_id, site_id, name, time_zone, currency, settings)
values (app_tenant(), $1, $2, $3, $4, $5::jsonb)
on conflict (tenant_id, site_id) do update set
    name = excluded.name, time_zone = excluded.time_zone, currency = excluded.currency, settings = excluded.settings,
    updated_at = now()

-- name: forget_components
delete from components where site_id = $1

-- name: add_components
insert into components (tenant_id, site_id, component_id, kind, name, profile, position)
select app_tenant(), $1, n.id, n.kind, n.name, n.profile, n.position
from unnest($2::text[], $3::text[], $4::text[], $5::text[]) with ordinality as n (id, kind, name, profile, position)

-- name: forget_channels
update channels set announced = false where site_id = $1 and announced and address <> all ($2::text[])

-- name: notify
select pg_notify('simems_live', $1)

-- name: begin_batch
select site_id, forgotten_sequence, known, checksums, refusals from begin_batch($1, $2)

-- name: checksums_of
select sequence, checksum from frames where device_id = $1 and sequence = any ($2) and kind <> 'refused'

-- name: end_batch
select end_batch($1, $2, $3, $4, $5, $6, $7, $8)

-- name: begin_batches
-- Of several devices of one tenant. Whose row somebody else holds is left out instead of waited for. Each looks at its
-- frames after its row is held.
with held as materialized (
    select n.device_id, n.sequences from unnest($1::uuid[], $2::text[]) as n (device_id, sequences)
    join devices d on d.device_id = n.device_id for no key update of d skip locked)
select h.device_id, b.site_id, b.forgotten_sequence, b.known, b.checksums, b.refusals
from held h cross join lateral begin_batch(h.device_id, h.sequences::bigint[]) as b

-- name: end_batches
select n.device_id, end_batch(n.device_id, n.site_id, ($6::bigint[])[n.low:n.high], ($7::float8[])[n.low:n.high],
    ($8::timestamptz[])[n.low:n.high], ($9::smallint[])[n.low:n.high], ($10::timestamptz[])[n.low:n.high], n.news) as acked
from unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::integer[]) as n (device_id, site_id, news, low, high)

-- name: channel_ids_of_sites
select c.site_id, c.address, c.channel_id
from unnest($1::text[], $2::text[]) as n (site_id, address)
join channels c on c.site_id = n.site_id and c.address = n.address

-- name: energy_differences
-- sampling_wh: what may have flowed unseen, one sample interval of the whole swing of each quarter hour, from the last
-- value before it on.
with powers as (
    select split_part(c.address, '/', 1) as component_id, r.start_at, r.minimum, r.maximum,
        lag(r.last_value) over (partition by r.channel_id order by r.start_at) as before,
        bit_count(r.minutes_seen::bit(15)) / 60.0 / r.count as sample_h
    from rollup_15min r join channels c on c.tenant_id = r.tenant_id and c.channel_id = r.channel_id
    where c.site_id = $1 and split_part(c.address, '/', 2) = 'active_power_w' and r.start_at >= $2 and r.start_at < $3
), swings as (
    select component_id, start_at, (greatest(maximum, before) - least(minimum, before)) * sample_h as wh from powers
)
select q.component_id, q.direction, sum(q.register_wh) as register_wh, sum(q.power_wh) as power_wh,
    count(*) as quarters, coalesce(sum(s.wh), 0) as sampling_wh
from (
    select component_id, direction, start_at, max(energy_wh) filter (where source = 'register') as register_wh,
        max(energy_wh) filter (where source = 'power') as power_wh
    from energy_sources
    where site_id = $1 and start_at >= $2 and start_at < $3 and minutes_seen = 32767 and gap_wh = 0 and resets = 0
    group by 1, 2, 3) q
left join swings s on s.component_id = q.component_id and s.start_at = q.start_at
where q.register_wh is not null and q.power_wh is not null
group by 1, 2

-- name: device_of_site
select device_id from devices where site_id = $1 and revoked_at is null order by last_seen_at desc nulls last limit 1

-- name: retention
select raw_days, minute_days, quarter_days, version from retention

-- name: lock_retention
select version from retention for update

-- name: put_retention
insert into retention as r (tenant_id, raw_days, minute_days, quarter_days) values (app_tenant(), $1, $2, $3)
on conflict (tenant_id) do update set raw_days = excluded.raw_days, minute_days = excluded.minute_days,
    quarter_days = excluded.quarter_days, version = r.version + 1
returning raw_days, minute_days, quarter_days, version

-- name: active_tenants
select tenant_id from active_tenants()

-- name: drop_partitions
select drop_partitions()

-- name: oldest_measurement_blocks
select min(start_at) from measurement_blocks where start_at < $1 and end_at < $1

-- name: delete_measurement_blocks
delete from measurement_blocks where start_at >= $1 and start_at <= $2 and end_at < $3

-- name: oldest_rollup_1min
select min(start_at) from rollup_1min where start_at < $1

-- name: delete_rollup_1min
delete from rollup_1min where start_at >= $1 and start_at <= $2 and start_at < $3

-- name: oldest_rollup_15min
select min(start_at) from rollup_15min where start_at < $1

-- name: delete_rollup_15min
delete from rollup_15min where start_at >= $1 and start_at <= $2 and start_at < $3

-- name: forget_frames
with old as (
    select d.device_id, max(f.sequence) as last from devices d
    join frames f on f.tenant_id = d.tenant_id and f.device_id = d.device_id
    where f.sequence <= d.acked_sequence and f.received_at < $1
    group by 1),
noted as (
    update devices d set forgotten_sequence = greatest(d.forgotten_sequence, old.last) from old
    where d.device_id = old.device_id returning d.device_id, old.last)
delete from frames f using noted n where f.device_id = n.device_id and f.sequence <= n.last
returning f.sequence

-- name: forget_exports
delete from exports where created_at < $1

-- name: create_export
insert into exports (tenant_id, site_id, requested_by, channels, start_at, end_at, resolution, format)
values (app_tenant(), $1, $2, $3, $4, $5, $6, $7)
returning export_id as id, site_id, channels, start_at as start, end_at as end, resolution, format, status, progress, rows,
    bytes, error, requested_by, created_at, finished_at

-- name: exports
select export_id as id, site_id, channels, start_at as start, end_at as end, resolution, format, status, progress, rows,
    bytes, error, requested_by, created_at, finished_at
from exports where site_id = $1 and ($2::uuid is null or export_id = $2)
order by created_at desc limit 100

-- name: delete_export
delete from exports where site_id = $1 and export_id = $2 returning export_id

-- name: export_chunk
select data from export_chunks where export_id = $1 and part = $2

-- name: waiting_exports
select tenant_id, export_id from waiting_exports($1)

-- name: claim_export
update exports set status = 'running', attempts = attempts + 1, progress = 0, rows = 0, bytes = 0, error = null,
    held_until = now() + interval '5 minutes'
where export_id = $1 and (status = 'queued' or (status = 'running' and held_until < now()))
returning export_id, site_id, channels, start_at, end_at, resolution, format, attempts

-- name: clear_chunks
delete from export_chunks where export_id = $1

-- name: add_chunk
insert into export_chunks (tenant_id, export_id, part, data) values (app_tenant(), $1, $2, $3)

-- name: export_goes_on
update exports set progress = $3, rows = rows + $4, bytes = bytes + $5, held_until = now() + interval '5 minutes',
    status = $6, finished_at = case when $6 = 'done' then now() end
where export_id = $1 and attempts = $2 and status = 'running' returning true

-- name: export_failed
update exports set status = 'failed', error = $3, finished_at = now()
where export_id = $1 and attempts = $2 and status = 'running'

-- name: rollup_rows_1min
select c.address as channel, r.start_at, r.count, r.sum / r.count as mean, r.minimum, r.maximum, r.energy_wh
from rollup_1min r join channels c on c.tenant_id = r.tenant_id and c.channel_id = r.channel_id
where c.site_id = $1 and c.address = any ($2::text[]) and r.start_at >= $3 and r.start_at < $4
order by 2, 1

-- name: rollup_rows_15min
select c.address as channel, r.start_at, r.count, r.sum / r.count as mean, r.minimum, r.maximum, r.energy_wh
from rollup_15min r join channels c on c.tenant_id = r.tenant_id and c.channel_id = r.channel_id
where c.site_id = $1 and c.address = any ($2::text[]) and r.start_at >= $3 and r.start_at < $4
order by 2, 1

-- name: zone
select coalesce(f.time_zone, s.time_zone) from sites s
left join site_facts f on f.tenant_id = s.tenant_id and f.site_id = s.site_id where s.site_id = $1

-- name: energy_by_interval
select width_bucket(start_at, $2::timestamptz[]) - 1 as place, component_id, direction, sum(energy_wh) as energy_wh,
    sum(gap_wh) as gap_wh, sum(resets)::int as resets, sum(bit_count(minutes_seen::bit(15)))::int as minutes,
    bool_or(source = 'register') as counted, bool_or(source = 'power') as integrated
from energy_15min
where site_id = $1 and start_at >= ($2::timestamptz[])[1] and start_at < $3
group by 1, 2, 3 order by 1, 2, 3

-- name: search_targets
select c.site_id || '/' || c.address as target
from channels c
where c.announced and ($1 = '' or position(lower($1) in lower(c.site_id || '/' || c.address)) > 0)
    and ($2::text[] is null or exists (select from org_nodes n
        where n.site_id = c.site_id and n.path <@ any ($2::text[]::ltree[])))
order by c.site_id, c.position, c.address limit 1000

-- name: bind_device
update devices set site_id = $2, software = $3, last_seen_at = now(), last_frame_at = coalesce(last_frame_at, now()),
    vendor = coalesce(nullif($4, ''), vendor), model = coalesce(nullif($5, ''), model),
    serial_number = coalesce(nullif($6, ''), serial_number), firmware_version = coalesce(nullif($7, ''), firmware_version)
where device_id = $1

-- name: announce_channels
insert into channels as c (tenant_id, site_id, address, unit, kind, resolution, labels, position, announced, access,
    minimum, maximum, scale, value_offset, rollover, description, source)
select app_tenant(), $1, n.address, n.unit, n.kind, n.resolution, n.labels::jsonb, n.position, true, n.access, n.minimum,
    n.maximum, n.scale, n.value_offset, n.rollover, n.description, n.source
from unnest($2::text[], $3::text[], $4::text[], $5::float8[], $6::text[], $7::text[], $8::float8[], $9::float8[],
    $10::float8[], $11::float8[], $12::float8[], $13::text[], $14::text[])
    with ordinality as n (address, unit, kind, resolution, labels, access, minimum, maximum, scale, value_offset, rollover,
    description, source, position)
on conflict (tenant_id, site_id, address) do update set
    unit = excluded.unit, kind = excluded.kind, resolution = excluded.resolution, labels = excluded.labels,
    position = excluded.position, announced = true, access = excluded.access, minimum = excluded.minimum,
    maximum = excluded.maximum, scale = excluded.scale, value_offset = excluded.value_offset,
    rollover = excluded.rollover, description = excluded.description, source = excluded.source

-- name: equipment_left
update equipment e set gone_at = now(), gone_because = case when n.id is null then 'removed' else 'replaced' end
from equipment o left join unnest($2::text[], $3::text[], $4::text[], $5::text[]) as n (id, vendor, model, serial_number)
    on n.id = o.component_id
where o.site_id = $1 and o.gone_at is null and e.tenant_id = o.tenant_id and e.equipment_id = o.equipment_id and (
    n.id is null
    or (o.serial_number <> '' and n.serial_number <> '' and o.serial_number <> n.serial_number)
    or (o.vendor <> '' and n.vendor <> '' and o.vendor <> n.vendor)
    or (o.model <> '' and n.model <> '' and o.model <> n.model))

-- name: equipment_there
insert into equipment as e (tenant_id, site_id, component_id, type, vendor, model, serial_number, protocol, profile,
    firmware_version)
select app_tenant(), $1, n.id, n.type, n.vendor, n.model, n.serial_number, n.protocol, n.profile, n.firmware
from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
    as n (id, type, vendor, model, serial_number, protocol, profile, firmware)
on conflict (tenant_id, site_id, component_id) where gone_at is null do update set
    type = excluded.type, profile = excluded.profile, last_seen_at = now(),
    vendor = coalesce(nullif(excluded.vendor, ''), e.vendor), model = coalesce(nullif(excluded.model, ''), e.model),
    serial_number = coalesce(nullif(excluded.serial_number, ''), e.serial_number),
    protocol = coalesce(nullif(excluded.protocol, ''), e.protocol),
    firmware_version = coalesce(nullif(excluded.firmware_version, ''), e.firmware_version)

-- name: add_config
with newest as (
    select coalesce(max(version), 0) as version from device_configs where device_id = $1),
added as (
    insert into device_configs (tenant_id, device_id, version, hash, content)
    select app_tenant(), $1, n.version + 1, $2, $3::jsonb from newest n
    where not exists (select from device_configs c where c.device_id = $1 and c.version = n.version and c.hash = $2)
    returning version)
update devices d set config_version = a.version from added a where d.device_id = $1
