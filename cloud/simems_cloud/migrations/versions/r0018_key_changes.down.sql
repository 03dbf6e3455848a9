grant create on schema public to simems_lookup;
set role simems_lookup;
create or replace function device_by_key(sought text) returns table (tenant_id uuid, device_id uuid, site_id text)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select d.tenant_id, d.device_id, d.site_id from public.devices d
          join public.tenants t on t.tenant_id = d.tenant_id
          where (d.public_key = sought or d.next_public_key = sought) and d.revoked_at is null and t.status = 'active'
          order by d.public_key = sought desc limit 1 $$;
set role simems_owner;
revoke create on schema public from simems_lookup;
alter table device_claims drop column claim_signing_key;
drop trigger command_key_made on command_keys;
drop function command_key_made();
alter table devices drop column command_key, drop column command_key_trouble;
do $$
declare
    tenant uuid;
begin
    for tenant in select p.tenant_id from platform_tenants() p loop
        perform set_config('app.tenant', tenant::text, true);
        delete from command_keys where sealed_secret is null;
    end loop;
    perform set_config('app.tenant', '', true);
end $$;
drop index command_keys_number;
revoke update (sealed_secret) on command_keys from simems_app;
alter table command_keys drop column number, drop column old_key, drop column old_until_us, drop column signature,
    alter column sealed_secret set not null;
