-- name: list_sites
select
    s.site_id, s.name, s.time_zone, s.currency, d.last_seen_at,
    (select count(*) from alarms a where a.tenant_id = s.tenant_id and a.site_id = s.site_id and a.cleared_at is null)
        as active_alarms,
    coalesce((select jsonb_agg(jsonb_build_array(c.component_id, c.kind) order by c.position)
        from components c where c.tenant_id = s.tenant_id and c.site_id = s.site_id), '[]') as components,
    coalesce((select jsonb_object_agg(c.address, jsonb_build_array(l.value, c.labels))
        from latest l join channels c on c.tenant_id = l.tenant_id and c.channel_id = l.channel_id
        where l.tenant_id = s.tenant_id and l.site_id = s.site_id
          and c.address like any (array['%/active\_power\_w', '%/soc\_pct', 'site/load\_power\_w', 'site/state',
              'site/control\_mode'])), '{}') as figures
from sites s
left join lateral (
    select max(last_seen_at) as last_seen_at from devices
    where tenant_id = s.tenant_id and site_id = s.site_id and revoked_at is null
) d on true
where ($1::text[] is null or exists (select from org_nodes n
        where n.tenant_id = s.tenant_id and n.site_id = s.site_id and n.path <@ any ($1::text[]::ltree[])))
    and not exists (select from org_nodes n
        where n.tenant_id = s.tenant_id and n.site_id = s.site_id and n.archived_at is not null)
    and ($2::text is null or (s.name, s.site_id) > ($2, $3))
order by s.name, s.site_id
limit $4

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
