alter table users add column role text not null default 'viewer' check (role in ('viewer', 'operator', 'admin'));
do $$
declare
    tenant uuid;
begin
    for tenant in select p.tenant_id from platform_tenants() p loop
        perform set_config('app.tenant', tenant::text, true);
        update users u set role = case
            when exists (select from role_grants g where g.user_id = u.user_id and g.role in ('tenant_admin', 'platform'))
                then 'admin'
            when exists (select from role_grants g where g.user_id = u.user_id and g.role in ('fleet_manager', 'site_operator'))
                then 'operator'
            else 'viewer' end;
        update users set password_hash = '' where password_hash is null;
    end loop;
    perform set_config('app.tenant', '', true);
end $$;
alter table users alter column role drop default;
alter table users alter column password_hash set not null;
revoke insert on users, tenants from simems_app;
revoke update on users, tenants from simems_app;
alter table users drop column version;

grant create on schema public to simems_lookup;
set role simems_lookup;
create or replace function device_by_key(sought text) returns table (tenant_id uuid, device_id uuid, site_id text)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select tenant_id, device_id, site_id from public.devices where public_key = sought and revoked_at is null $$;
drop function platform_tenants();
create function platform_tenants() returns table (tenant_id uuid, name text, created_at timestamptz)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select tenant_id, name, created_at from public.tenants order by name $$;
revoke all on function platform_tenants() from public;
grant execute on function platform_tenants() to simems_owner;
set role simems_owner;
revoke create on schema public from simems_lookup;

drop trigger tenant_changed on tenants;
drop function tenant_changed();
drop view user_grants;
drop table idempotency_keys, oidc_flows, oidc_links, oidc_providers, api_tokens, invitations, recovery_codes,
    second_factors, refresh_tokens, sessions, role_grants, role_permissions, roles, permissions;
alter table tenants drop column status, drop column second_factor_required, drop column version;
