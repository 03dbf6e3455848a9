alter table command_keys
    add column number bigint not null default 0 check (number >= 0),
    add column old_key text check (old_key ~ '^[0-9a-f]{64}$'),
    add column old_until_us bigint,
    add column signature text check (signature ~ '^[0-9a-f]{128}$'),
    alter column sealed_secret drop not null,
    add check ((signature is null) = (old_key is null) and (signature is null) = (old_until_us is null));
comment on column command_keys.number is 'It rises by one with each change; the highest one signs';
comment on column command_keys.signature is 'Of the key before, over this change; null: no key before vouches for it';
comment on column command_keys.sealed_secret is 'Of the key that signs now; gone with the next change';
do $$
declare
    tenant uuid;
begin
    for tenant in select p.tenant_id from platform_tenants() p loop
        perform set_config('app.tenant', tenant::text, true);
        update command_keys k set number = o.place - 1
        from (select public_key, row_number() over (order by created_at, public_key) as place from command_keys) o
        where o.public_key = k.public_key;
    end loop;
    perform set_config('app.tenant', '', true);
end $$;
create unique index command_keys_number on command_keys (tenant_id, number);
grant update (sealed_secret) on command_keys to simems_app;
grant select (number, old_key, old_until_us, signature) on command_keys to simems_ingest;

alter table devices
    add column command_key text not null default '' check (command_key ~ '^([0-9a-f]{64})?$'),
    add column command_key_trouble text not null default '';
comment on column devices.command_key is 'Which key of the tenant the device believes, as it says; empty: not told yet';
comment on column devices.command_key_trouble is 'Why it does not believe the newest one';
grant update (command_key, command_key_trouble) on devices to simems_ingest;

-- Every device that is here hears of the new key at once, and of the others when they come.
create function command_key_made() returns trigger
    language plpgsql set search_path = public, pg_temp
    as $$ begin
        perform pg_notify('simems_commands', d.device_id::text) from devices d
        where d.tenant_id = new.tenant_id and d.revoked_at is null;
        return null;
    end $$;
create trigger command_key_made after insert on command_keys for each row execute function command_key_made();

alter table device_claims
    add column claim_signing_key text not null default '' check (claim_signing_key ~ '^([0-9a-f]{64})?$');
comment on column device_claims.claim_signing_key is 'Ed25519 key that the claim code stands for, where no CURVE connection proves the box';

grant create on schema public to simems_lookup;
set role simems_lookup;
-- A key that was revoked stays outside, also when another device announces it as its own.
create or replace function device_by_key(sought text) returns table (tenant_id uuid, device_id uuid, site_id text)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select d.tenant_id, d.device_id, d.site_id from public.devices d
          join public.tenants t on t.tenant_id = d.tenant_id
          where (d.public_key = sought or d.next_public_key = sought) and d.revoked_at is null and t.status = 'active'
              and not exists (select from public.devices r where r.public_key = sought and r.revoked_at is not null)
          order by d.public_key = sought desc limit 1 $$;
set role simems_owner;
revoke create on schema public from simems_lookup;
