drop trigger device_key_unspent on devices;
drop function device_key_unspent();
drop trigger device_promoted on devices;
drop function device_promoted();
grant create on schema public to simems_lookup;
set role simems_lookup;
drop function device_by_key(text);
create function device_by_key(sought text) returns table (tenant_id uuid, device_id uuid, site_id text)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select d.tenant_id, d.device_id, d.site_id from public.devices d
          join public.tenants t on t.tenant_id = d.tenant_id
          where (d.public_key = sought or d.next_public_key = sought) and d.revoked_at is null and t.status = 'active'
              and not exists (select from public.devices r where r.public_key = sought and r.revoked_at is not null)
          order by d.public_key = sought desc limit 1 $$;
drop function keys_taken(text[], uuid);
revoke all on function device_by_key(text) from public;
grant execute on function device_by_key(text) to simems_ingest, simems_owner;
set role simems_owner;
revoke create on schema public from simems_lookup;
drop function name_at_broker(text);
drop index devices_replaced_by, devices_spent_keys, devices_signing_key, devices_next_signing_key;
alter table devices drop column spent_keys, drop column broker_name, drop column next_signing_key;
