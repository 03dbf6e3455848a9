-- name: lock_tree
select 1 from tenants where tenant_id = app_tenant() for update

-- name: nodes
select node_id as id, parent_id, kind, name, path::text as path, site_id, archived_at is not null as archived, version
from org_nodes
where ($1::text[] is null or path <@ any ($1::text[]::ltree[]))
    and ($2::text is null or path <@ $2::text::ltree)
    and ($3::boolean or archived_at is null)
    and ($4::text is null or path > $4::text::ltree)
order by path
limit $5

-- name: node
select node_id as id, parent_id, kind, name, path::text as path, site_id, archived_at is not null as archived, version
from org_nodes where node_id = $1

-- name: add_node
insert into org_nodes (tenant_id, node_id, parent_id, kind, name, path, site_id)
values (app_tenant(), $1, $2, $3, $4, $5::text::ltree, $6)

-- name: add_site
insert into sites (tenant_id, site_id, name, time_zone, currency) values (app_tenant(), $1, $2, $3, $4)
on conflict (tenant_id, site_id) do nothing

-- name: rename
update org_nodes set name = $2, version = version + 1 where node_id = $1

-- name: move
update org_nodes set
    path = $2::text::ltree || subpath(path, nlevel($1::text::ltree) - 1),
    parent_id = case when node_id = $3 then $4 else parent_id end,
    version = version + 1
where path <@ $1::text::ltree

-- name: depth
select max(nlevel(path)) from org_nodes where path <@ $1::text::ltree

-- name: archive
update org_nodes set archived_at = coalesce(archived_at, now()), version = version + 1 where path <@ $1::text::ltree

-- name: restore
update org_nodes set archived_at = null, version = version + 1 where path <@ $1::text::ltree

-- name: facts
select s.site_id, s.time_zone as announced_time_zone, s.currency as announced_currency,
    s.settings ->> 'site/import_limit_w' as announced_import_limit_w,
    s.settings ->> 'site/export_limit_w' as announced_export_limit_w,
    f.time_zone, f.currency, f.import_limit_w, f.export_limit_w, f.street, f.postal_code, f.city, f.country,
    f.latitude_deg, f.longitude_deg, f.market_zone, coalesce(f.version, 0) as version
from sites s left join site_facts f on f.tenant_id = s.tenant_id and f.site_id = s.site_id
where s.site_id = $1

-- name: lock_site
select 1 from sites where site_id = $1

-- name: put_facts
insert into site_facts (tenant_id, site_id, time_zone, currency, import_limit_w, export_limit_w, street, postal_code,
    city, country, latitude_deg, longitude_deg, market_zone)
values (app_tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (tenant_id, site_id) do update set
    time_zone = excluded.time_zone, currency = excluded.currency, import_limit_w = excluded.import_limit_w,
    export_limit_w = excluded.export_limit_w, street = excluded.street, postal_code = excluded.postal_code,
    city = excluded.city, country = excluded.country, latitude_deg = excluded.latitude_deg,
    longitude_deg = excluded.longitude_deg, market_zone = excluded.market_zone, version = site_facts.version + 1
