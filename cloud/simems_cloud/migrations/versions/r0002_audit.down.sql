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
alter table audit enable row level security;
alter table audit force row level security;
create policy tenant on audit using (tenant_id = app_tenant()) with check (tenant_id = app_tenant());
grant select, insert on audit to simems_app;
grant insert on audit to simems_ingest;
do $$
declare
    tenant uuid;
begin
    for tenant in select p.tenant_id from platform_tenants() p loop
        perform set_config('app.tenant', tenant::text, true);
        insert into audit (tenant_id, at, actor, action, object, details)
        select tenant_id, at, actor, action, object, details from audit_log order by serial;
    end loop;
    perform set_config('app.tenant', '', true);
end $$;
set role simems_audit;
drop function append_audit(timestamptz, text, text, text, jsonb);
set role simems_lookup;
drop function audit_chains();
set role simems_owner;
drop table audit_log, audit_heads;
drop function audit_only_grows(), audit_hash(bytea, uuid, bigint, timestamptz, text, text, text, jsonb), audit_field(text);
do $$
begin
    if exists (select from pg_roles where rolname = 'simems_backup') then
        alter default privileges for role simems_owner in schema public revoke select on tables from simems_backup;
        alter default privileges for role simems_owner in schema public revoke select on sequences from simems_backup;
        grant select on audit to simems_backup;
    end if;
end $$;
