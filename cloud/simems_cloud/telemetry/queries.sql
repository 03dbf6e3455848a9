-- name: latest
select c.address, c.labels, l.value, l.value_at, l.quality, l.at
from channels c left join latest l on l.tenant_id = c.tenant_id and l.channel_id = c.channel_id
where c.site_id = $1 and (c.announced or l.at is not null)
order by c.position, c.address

-- name: last_frame_at
select max(last_frame_at) from devices where site_id = $1 and revoked_at is null

-- name: channel_ids
select channel_id, address from channels where site_id = $1 and address = any ($2::text[])

-- name: raw
select b.channel_id, f.times_us, b."values", b.quality
from measurement_blocks b
join frames f on f.tenant_id = b.tenant_id and f.device_id = b.device_id and f.sequence = b.sequence
where b.channel_id = any ($1::bigint[]) and b.start_at < $3::timestamptz and b.start_at >= $2::timestamptz - interval '1 day'
    and b.end_at >= $2::timestamptz
order by b.start_at

-- name: rollup_1min
select channel_id, extract(epoch from date_bin(make_interval(secs => $4), start_at, 'epoch'::timestamptz)) as bucket,
    sum(sum) / sum(count) as mean, min(minimum) as minimum, max(maximum) as maximum
from rollup_1min
where channel_id = any ($1::bigint[]) and start_at >= $2 and start_at < $3
group by 1, 2

-- name: rollup_15min
select channel_id, extract(epoch from date_bin(make_interval(secs => $4), start_at, 'epoch'::timestamptz)) as bucket,
    sum(sum) / sum(count) as mean, min(minimum) as minimum, max(maximum) as maximum
from rollup_15min
where channel_id = any ($1::bigint[]) and start_at >= $2 and start_at < $3
group by 1, 2

-- name: energy
select c.address,
    sum(positive_sum / count * bit_count(minutes_seen::bit(15)) / 60.0) as positive_wh,
    sum((sum - positive_sum) / count * bit_count(minutes_seen::bit(15)) / 60.0) as negative_wh
from rollup_15min r join channels c on c.tenant_id = r.tenant_id and c.channel_id = r.channel_id
where c.site_id = $1 and c.address = any ($2::text[]) and r.start_at >= $3 and r.start_at < $4
group by c.address

-- name: peak
select r.sum / r.count as mean_w, r.start_at
from rollup_15min r join channels c on c.tenant_id = r.tenant_id and c.channel_id = r.channel_id
where c.site_id = $1 and c.address = any ($2::text[]) and r.start_at >= $3 and r.start_at < $4
order by 1 desc, 2 limit 1

-- name: lock_device
select site_id, acked_sequence from devices where device_id = $1 for no key update

-- name: add_channels
insert into channels (tenant_id, site_id, address, resolution)
select app_tenant(), $1, a, r from unnest($2::text[], $3::float8[]) as n (a, r)
on conflict (tenant_id, site_id, address) do nothing

-- name: known_frames
select sequence, checksum, refusal from frames where device_id = $1 and sequence = any ($2::bigint[])

-- name: add_frames
insert into frames (tenant_id, device_id, site_id, sequence, kind, checksum, refusal, times_us)
select app_tenant(), $1, $2, n.sequence, n.kind, n.checksum, n.refusal, ($7::bigint[])[n.low:n.high]
from unnest($3::bigint[], $4::text[], $5::bytea[], $6::text[], $8::int[], $9::int[])
    as n (sequence, kind, checksum, refusal, low, high)

-- name: add_blocks
insert into measurement_blocks (tenant_id, channel_id, start_at, end_at, device_id, sequence, "values", quality)
select app_tenant(), n.channel_id, n.start_at, n.end_at, $1, n.sequence,
    case when n.holes then array_replace(($10::float8[])[n.low:n.high], 'NaN'::float8, null)
        else ($10::float8[])[n.low:n.high] end,
    ($11::smallint[])[n.quality_low:n.quality_low + n.high - n.low]
from unnest($2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::int[], $7::int[], $8::boolean[],
    $9::int[]) as n (channel_id, start_at, end_at, sequence, low, high, holes, quality_low)

-- name: add_latest
insert into latest as l (tenant_id, channel_id, site_id, value, value_at, quality, at)
select app_tenant(), c, $1, v, va, q, t
from unnest($2::bigint[], $3::float8[], $4::timestamptz[], $5::smallint[], $6::timestamptz[]) as n (c, v, va, q, t)
order by c
on conflict (tenant_id, channel_id) do update set
    value = coalesce(excluded.value, l.value),
    value_at = coalesce(excluded.value_at, l.value_at),
    quality = excluded.quality,
    at = excluded.at
where excluded.at >= l.at

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

-- name: bind_device
update devices set site_id = $2, software = $3, last_seen_at = now(), last_frame_at = coalesce(last_frame_at, now())
where device_id = $1

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

-- name: announce_channels
insert into channels as c (tenant_id, site_id, address, unit, kind, resolution, labels, position, announced)
select app_tenant(), $1, n.address, n.unit, n.kind, n.resolution, n.labels::jsonb, n.position, true
from unnest($2::text[], $3::text[], $4::text[], $5::float8[], $6::text[])
    with ordinality as n (address, unit, kind, resolution, labels, position)
on conflict (tenant_id, site_id, address) do update set
    unit = excluded.unit, kind = excluded.kind, resolution = excluded.resolution, labels = excluded.labels,
    position = excluded.position, announced = true

-- name: notify
select pg_notify('simems_live', $1)
