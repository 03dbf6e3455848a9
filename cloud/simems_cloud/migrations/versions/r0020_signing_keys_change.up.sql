alter table devices
    add column next_signing_key text not null default '' check (next_signing_key ~ '^([0-9a-f]{64})?$'),
    add column broker_name text not null default '' check (broker_name ~ '^([0-9a-f]{32})?$'),
    add column spent_keys text[] not null default '{}';
comment on column devices.next_signing_key is 'Announced with next_public_key, and taken with it; empty: the signing key stays';
comment on column devices.broker_name is 'What it is called at a broker since its first change of both keys; empty: what its public key says';
comment on column devices.spent_keys is 'Public and signing keys that it had before; nobody comes in with one of them again';
create index devices_spent_keys on devices using gin (spent_keys);
create index devices_replaced_by on devices (replaced_by) where replaced_by is not null;
create index devices_signing_key on devices (signing_key);
create index devices_next_signing_key on devices (next_signing_key);
grant update (next_signing_key, spent_keys, broker_name) on devices to simems_ingest;

create function name_at_broker(public_key text) returns text language sql immutable
    set search_path = pg_catalog, pg_temp
    as $$ select left(encode(sha256(convert_to(public_key, 'UTF8')), 'hex'), 32) $$;

-- In the database, so that it is one step whichever version of ingest sees the device come.
create function device_promoted() returns trigger
    language plpgsql set search_path = public, pg_temp
    as $$ begin
        new.spent_keys := old.spent_keys || old.public_key;
        if old.next_public_key = new.public_key and old.next_signing_key <> '' then
            if old.signing_key <> '' then
                new.spent_keys := new.spent_keys || old.signing_key;
            end if;
            if old.broker_name = '' then
                new.broker_name := name_at_broker(old.public_key);
            end if;
            new.signing_key := old.next_signing_key;
        end if;
        new.next_signing_key := '';
        return new;
    end $$;
create trigger device_promoted before update of public_key on devices
    for each row when (new.public_key <> old.public_key) execute function device_promoted();

grant create on schema public to simems_lookup;
set role simems_lookup;
-- Whether somebody has such a key now, announced it, had it, or was revoked with it; ``own``: who may have it.
create function keys_taken(sought text[], own uuid) returns boolean
    language sql stable security definer set search_path = public, pg_temp
    as $$ select exists (select from public.devices where spent_keys && sought)
          or exists (select from public.devices where public_key = any (sought))
          or exists (select from public.devices where signing_key = any (sought))
          or exists (select from public.devices where next_public_key = any (sought) and device_id is distinct from own)
          or exists (select from public.devices where next_signing_key = any (sought) and device_id is distinct from own) $$;
drop function device_by_key(text);
-- A key that was revoked stays outside, also when another device announces it as its own.
create function device_by_key(sought text)
    returns table (tenant_id uuid, device_id uuid, site_id text, broker_name text, predecessor uuid)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select d.tenant_id, d.device_id, d.site_id, coalesce(nullif(d.broker_name, ''), name_at_broker(d.public_key)),
              (select p.device_id from public.devices p where p.replaced_by = d.device_id and p.tenant_id = d.tenant_id
               order by p.revoked_at desc limit 1)
          from public.devices d
          join public.tenants t on t.tenant_id = d.tenant_id
          where (d.public_key = sought or d.next_public_key = sought) and d.revoked_at is null and t.status = 'active'
              and not exists (select from public.devices r where r.public_key = sought and r.revoked_at is not null)
          order by d.public_key = sought desc limit 1 $$;
revoke all on function keys_taken(text[], uuid), device_by_key(text) from public;
grant execute on function device_by_key(text) to simems_ingest, simems_owner;
grant execute on function keys_taken(text[], uuid) to simems_ingest, simems_app, simems_owner;
set role simems_owner;
revoke create on schema public from simems_lookup;

-- Nobody lets a key in, by a claim or by hand, that a device had before or has announced.
create function device_key_unspent() returns trigger
    language plpgsql set search_path = public, pg_temp
    as $$ begin
        if keys_taken(array[new.public_key], null) then
            raise unique_violation using message = 'this key is registered, or was spent';
        end if;
        return new;
    end $$;
create trigger device_key_unspent before insert on devices for each row execute function device_key_unspent();
