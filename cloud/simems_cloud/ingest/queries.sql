-- name: lock_claim
select c.state, c.public_key, c.reason, d.revoked_at is not null as revoked
from device_claims c left join devices d on d.tenant_id = c.tenant_id and d.device_id = c.device_id
where c.claim_id = $1 for update of c

-- name: present_claim
update device_claims set state = 'presented', public_key = $2, signing_key = $3, software = $4, vendor = $5, model = $6,
    serial_number = $7, presented_at = now()
where claim_id = $1

-- name: signing_key_stays
update devices set next_signing_key = ''
where device_id = $1 and next_public_key = $2 and next_signing_key <> $3 and signing_key = $3

-- name: promote_key
update devices set public_key = $2, next_public_key = null, key_changed_at = now()
where device_id = $1 and next_public_key = $2 and public_key <> $2
returning name

-- name: announce_key
update devices set next_public_key = $3, next_signing_key = $4
where device_id = $1 and public_key = $2 and revoked_at is null
returning true

-- name: keys_taken
select keys_taken($1, $2)

-- name: signing_key
update devices set signing_key = $2 where device_id = $1 and signing_key = ''

-- name: claim_signing_key_of
select claim_signing_key from device_claims where claim_id = $1 and expires_at > now()

-- name: signing_key_of
select case when public_key <> $2 and next_signing_key <> '' then next_signing_key else signing_key end
from devices where device_id = $1 and (public_key = $2 or next_public_key = $2) and revoked_at is null

-- name: hold_devices
-- Those that nobody else holds.
select device_id, site_id from devices where device_id = any ($1::uuid[]) for no key update skip locked

-- name: greet_again
-- One row when every row that this hello would write is there already: then only that the device and what stands behind
-- it were seen is written. No row: something differs, nothing was written. The device's row is held by us.
with there as (
    select d.device_id, d.acked_sequence, (select c.hash from device_configs c where c.device_id = $1
        order by c.version desc limit 1) is not distinct from $37::bytea as configured
    from devices d join sites s on s.site_id = d.site_id
    where d.device_id = $1 and d.site_id = $2
        and (s.name, s.time_zone, s.currency, s.settings) = ($3, $4, $5, $6::jsonb)
        and (d.public_key = $39 or d.next_public_key is distinct from $39) and (d.signing_key <> '' or not $40)
        and not exists (select from alarms a where a.device_id = $1 and a.origin = 'cloud' and a.rule_id is null
            and a.cleared_at is null and a.code = any ($42::text[]))
        and not exists (
            select from (select * from components where site_id = $2) c
            full join unnest($12::text[], $13::text[], $14::text[], $15::text[]) with ordinality
                as n (id, kind, name, profile, position) on n.id = c.component_id
            where (c.component_id, c.kind, c.name, c.profile, c.position)
                is distinct from (n.id, n.kind, n.name, n.profile, n.position::integer))
        and not exists (
            select from (select * from equipment where site_id = $2 and gone_at is null) e
            full join unnest($16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[],
                $23::text[]) as n (id, type, vendor, model, serial_number, protocol, profile, firmware)
                on n.id = e.component_id
            where (e.component_id, e.type, e.profile) is distinct from (n.id, n.type, n.profile)
                or n.vendor not in ('', e.vendor) or n.model not in ('', e.model)
                or n.serial_number not in ('', e.serial_number) or n.protocol not in ('', e.protocol)
                or n.firmware not in ('', e.firmware_version))
        and not exists (
            select from (select * from channels where site_id = $2 and announced) c
            full join unnest($24::text[], $25::text[], $26::text[], $27::float8[], $28::text[], $29::text[], $30::float8[],
                $31::float8[], $32::float8[], $33::float8[], $34::float8[], $35::text[], $36::text[]) with ordinality
                as n (address, unit, kind, resolution, labels, access, minimum, maximum, scale, value_offset, rollover,
                description, source, position) on n.address = c.address
            where (c.address, c.unit, c.kind, c.resolution, c.labels, c.access, c.minimum, c.maximum, c.scale,
                c.value_offset, c.rollover, c.description, c.source, c.position)
                is distinct from (n.address, n.unit, n.kind, n.resolution, n.labels::jsonb, n.access, n.minimum, n.maximum,
                n.scale, n.value_offset, n.rollover, n.description, n.source, n.position::integer))),
still_there as (
    update equipment e set last_seen_at = now() from there
    where e.site_id = $2 and e.gone_at is null and e.component_id = any ($16::text[])),
seen as (
    update devices d set software = $7, vendor = coalesce(nullif($8, ''), vendor),
        model = coalesce(nullif($9, ''), model), serial_number = coalesce(nullif($10, ''), serial_number),
        firmware_version = coalesce(nullif($11, ''), firmware_version), last_seen_at = now(),
        last_frame_at = coalesce(last_frame_at, now()),
        acked_sequence = greatest(d.acked_sequence, $38::bigint, (
            select max(sequence) from (
                select sequence, sequence - row_number() over (order by sequence) as island
                from frames f where f.device_id = $1 and f.sequence > greatest(there.acked_sequence, $38)
            ) run where island = greatest(there.acked_sequence, $38)))
    from there where d.device_id = there.device_id
    returning d.acked_sequence, there.configured)
select s.acked_sequence, s.configured, pg_notify('simems_live', $41),
    array(select c.channel_id from channels c where c.site_id = $2 and c.announced order by c.position) as channel_ids
from seen s
