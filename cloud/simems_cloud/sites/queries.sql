-- name: list_sites
select s.site_id, s.name, s.time_zone, s.currency
from sites s
where ($1::text[] is null or exists (select from org_nodes n
        where n.tenant_id = s.tenant_id and n.site_id = s.site_id and n.path <@ any ($1::text[]::ltree[])))
    and not exists (select from org_nodes n
        where n.tenant_id = s.tenant_id and n.site_id = s.site_id and n.archived_at is not null)
    and ($2::text is null or (s.name, s.site_id) > ($2, $3))
order by s.name, s.site_id
limit $4

-- name: sites_seen
select site_id, max(last_seen_at) as last_seen_at from devices where revoked_at is null and site_id = any ($1) group by 1

-- name: sites_alarms
select site_id, count(*) as active from alarms where cleared_at is null and site_id = any ($1) group by 1

-- name: sites_components
select site_id, array_agg(component_id order by position) as ids, array_agg(kind order by position) as kinds
from components where site_id = any ($1) group by 1

-- name: sites_figures
select c.site_id, array_agg(c.address) as addresses, array_agg(l.value) as figures,
    array_agg(case when c.kind = 'enum' then c.labels::text end) as labels
from channels c join latest l on l.tenant_id = c.tenant_id and l.channel_id = c.channel_id
where c.headline and c.site_id = any ($1) group by 1

-- name: site
select
    s.site_id, s.name, s.time_zone, s.currency, s.settings, d.device_id, d.name as device_name, d.software, d.last_seen_at
from sites s
left join lateral (
    select device_id, name, software, last_seen_at from devices
    where tenant_id = s.tenant_id and site_id = s.site_id and revoked_at is null
    order by last_seen_at desc nulls last limit 1
) d on true
where s.site_id = $1

-- name: components
select component_id, kind, name, profile from components where site_id = $1 order by position

-- name: channels
select address, unit, kind, resolution, labels from channels where site_id = $1 and announced order by position, address

-- name: create_device
insert into devices (tenant_id, name, public_key, site_id) values (app_tenant(), $1, $2, $3) returning device_id

-- name: list_devices
select d.device_id, d.name, d.site_id, d.public_key, d.software, d.last_seen_at, d.acked_sequence, d.revoked_at,
    t.name as tenant
from devices d join tenants t on t.tenant_id = d.tenant_id
order by d.name

-- name: revoke_device
update devices set revoked_at = now() where (name = $1 or public_key = $1) and revoked_at is null returning device_id

-- name: devices_named
select device_id from devices where revoked_at is null and $1 in (name, public_key, device_id::text)

-- name: devices
select d.device_id as id, d.name, d.type, d.vendor, d.model, d.serial_number, d.protocol, d.software, d.firmware_version,
    d.config_version, d.public_key, d.site_id, d.created_at, d.last_seen_at, d.last_frame_at, d.acked_sequence,
    d.revoked_at, d.replaced_by
from devices d
where ($1::uuid is null or d.device_id = $1)
    and ($2::text[] is null or d.site_id in (select n.site_id from org_nodes n where n.path <@ any ($2::text[]::ltree[])))
order by d.revoked_at is not null, d.name, d.device_id

-- name: configs
select version, encode(hash, 'hex') as hash, announced_at from device_configs where device_id = $1 order by version desc

-- name: config
select version, encode(hash, 'hex') as hash, announced_at, content::text as content
from device_configs where device_id = $1 and version = $2

-- name: lock_edge
select site_id, vendor, model, revoked_at from devices where device_id = $1 for update

-- name: add_edge
insert into devices (tenant_id, name, public_key, site_id, vendor, model, signing_key)
values (app_tenant(), $1, $2, $3, $4, $5, $6)
returning device_id

-- name: retire_edge
update devices set revoked_at = now(), replaced_by = $2 where device_id = $1

-- name: clear_alarms_of
update alarms set cleared_at = now() where device_id = $1 and cleared_at is null and origin = 'cloud'

-- name: claims
select c.claim_id as id, c.name, c.site_id, c.replaces, c.state, c.public_key, c.software, c.vendor, c.model,
    c.serial_number, c.presented_at, c.device_id, c.created_by, c.created_at, c.expires_at, c.decided_by, c.decided_at,
    c.reason, c.expires_at <= now() as expired
from device_claims c
where ($1::uuid is null or c.claim_id = $1)
    and ($2::text[] is null or c.site_id in (select n.site_id from org_nodes n where n.path <@ any ($2::text[]::ltree[])))
order by c.created_at desc, c.claim_id

-- name: lock_claim
select name, site_id, replaces, state, public_key, signing_key, vendor, model, expires_at <= now() as expired
from device_claims where claim_id = $1 for update

-- name: add_claim
insert into device_claims (tenant_id, claim_key, name, site_id, replaces, created_by, expires_at, claim_signing_key)
values (app_tenant(), $1, $2, $3, $4, $5, now() + $6::int * interval '1 day', $7)
returning claim_id

-- name: decide_claim
update device_claims set state = $2, device_id = $3, decided_by = $4, decided_at = now(), reason = $5 where claim_id = $1

-- name: withdraw_claim
delete from device_claims where claim_id = $1

-- name: site_of_device
select site_id from devices where device_id = $1 and revoked_at is null

-- name: equipment
select e.equipment_id as id, e.component_id as component, e.type, e.vendor, e.model, e.serial_number, e.protocol, e.profile,
    e.firmware_version, e.first_seen_at, e.last_seen_at, e.gone_at, e.gone_because, h.worst, h.newest_at, h.communication
from equipment e
left join lateral (
    select max(l.quality) filter (where c.address not like '%/communication') as worst, max(l.value_at) as newest_at,
        min(l.value) filter (where c.address = e.component_id || '/communication') as communication
    from channels c join latest l on l.tenant_id = c.tenant_id and l.channel_id = c.channel_id
    where c.tenant_id = e.tenant_id and c.site_id = e.site_id and c.announced and e.gone_at is null
        and starts_with(c.address, e.component_id || '/')
) h on true
where e.site_id = $1 and ($2 or e.gone_at is null)
order by e.component_id, e.first_seen_at desc

-- name: close_equipment
update equipment set gone_at = now(), gone_because = $3
where site_id = $1 and component_id = $2 and gone_at is null
returning type, protocol, profile

-- name: open_equipment
insert into equipment (tenant_id, site_id, component_id, type, protocol, profile, vendor, model, serial_number)
values (app_tenant(), $1, $2, $3, $4, $5, $6, $7, $8)
returning equipment_id as id, component_id as component, type, vendor, model, serial_number, protocol, profile,
    firmware_version, first_seen_at, last_seen_at, gone_at, gone_because

-- name: channel_metadata
select address, unit, kind, resolution, labels::text as labels, access, minimum, maximum, scale, value_offset as offset,
    rollover, description, source, announced
from channels where site_id = $1 order by not announced, position, address
