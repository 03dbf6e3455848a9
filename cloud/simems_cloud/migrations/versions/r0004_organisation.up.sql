-- A trusted extension: whoever may create in the database may install it.
create extension if not exists ltree;

create table org_nodes (
    tenant_id uuid not null references tenants on delete cascade,
    node_id uuid not null default gen_random_uuid(),
    parent_id uuid,
    kind text not null check (kind in ('enterprise', 'site', 'building', 'floor', 'space', 'equipment')),
    name text not null check (name <> ''),
    path ltree not null,
    site_id text,
    archived_at timestamptz,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    primary key (tenant_id, node_id),
    unique (tenant_id, path),
    unique (tenant_id, site_id),
    unique nulls not distinct (tenant_id, parent_id, name),
    foreign key (tenant_id, parent_id) references org_nodes,
    foreign key (tenant_id, site_id) references sites on delete cascade,
    check ((site_id is not null) = (kind = 'site')),
    check ((parent_id is null) = (nlevel(path) = 1)),
    check (subpath(path, -1, 1)::text = replace(node_id::text, '-', ''))
);
comment on column org_nodes.path is 'Ids from the root down to this node, without their hyphens';
create index org_nodes_path on org_nodes using gist (path);

create table site_facts (
    tenant_id uuid not null,
    site_id text not null,
    time_zone text,
    currency text check (currency ~ '^[A-Z]{3}$'),
    import_limit_w double precision check (import_limit_w >= 0 and import_limit_w < 'infinity'),
    export_limit_w double precision check (export_limit_w >= 0 and export_limit_w < 'infinity'),
    street text not null default '',
    postal_code text not null default '',
    city text not null default '',
    country text not null default '' check (country ~ '^([A-Z]{2})?$'),
    latitude_deg double precision check (latitude_deg between -90 and 90),
    longitude_deg double precision check (longitude_deg between -180 and 180),
    market_zone text not null default '',
    version bigint not null default 1,
    primary key (tenant_id, site_id),
    foreign key (tenant_id, site_id) references sites on delete cascade
);
comment on table site_facts is 'What people say about a site; null: as its device announces it';

do $$
declare
    t text;
begin
    foreach t in array array['org_nodes', 'site_facts'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy tenant on %I using (tenant_id = app_tenant()) with check (tenant_id = app_tenant())', t);
    end loop;
end $$;
grant select, insert on org_nodes, site_facts to simems_app;
grant update (parent_id, name, path, archived_at, version) on org_nodes to simems_app;
grant update on site_facts to simems_app;
grant insert on sites to simems_app;

alter table role_grants add foreign key (tenant_id, node_id) references org_nodes on delete cascade;
create or replace view user_grants with (security_invoker = true) as
select g.tenant_id, g.user_id, g.role, g.node_id, n.path::text as path,
    array(select p.permission from role_permissions p where p.tenant_id = g.tenant_id and p.role = g.role) as permissions
from role_grants g left join org_nodes n on n.tenant_id = g.tenant_id and n.node_id = g.node_id;
