grant create on schema public to simems_lookup;
set role simems_lookup;
drop function claim_by_key(text);
drop function device_by_key(text);
create function device_by_key(sought text) returns table (tenant_id uuid, device_id uuid, site_id text)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select d.tenant_id, d.device_id, d.site_id from public.devices d
          join public.tenants t on t.tenant_id = d.tenant_id
          where d.public_key = sought and d.revoked_at is null and t.status = 'active' $$;
revoke all on function device_by_key(text) from public;
grant execute on function device_by_key(text) to simems_ingest, simems_owner;
set role simems_owner;
revoke create on schema public from simems_lookup;
drop table device_claims;
drop function claim_changed();
drop trigger device_changed on devices;
create or replace function device_changed() returns trigger
    language plpgsql set search_path = public, pg_temp
    as $$ begin perform pg_notify('simems_devices', new.public_key); return new; end $$;
create trigger device_changed after insert or update of revoked_at, public_key on devices
    for each row execute function device_changed();
revoke update (public_key) on devices from simems_ingest;
alter table devices drop column signing_key, drop column next_public_key, drop column key_changed_at;
