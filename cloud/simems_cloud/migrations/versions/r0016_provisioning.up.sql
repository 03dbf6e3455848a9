alter table devices
    add column signing_key text not null default '' check (signing_key ~ '^([0-9a-f]{64})?$'),
    add column next_public_key text check (length(next_public_key) = 40),
    add column key_changed_at timestamptz;
comment on column devices.signing_key is 'Ed25519, hexadecimal: the device signs its records with it; empty: not told yet';
comment on column devices.next_public_key is 'Announced by the device; the first connection with it makes it the public key';
create unique index devices_next_public_key on devices (next_public_key);
grant update (signing_key, public_key, next_public_key, key_changed_at) on devices to simems_ingest;
grant insert (signing_key) on devices to simems_app;

create table device_claims (
    tenant_id uuid not null references tenants on delete cascade,
    claim_id uuid not null default gen_random_uuid(),
    claim_key text not null check (length(claim_key) = 40),
    name text not null check (name <> ''),
    site_id text,
    replaces uuid,
    state text not null default 'open' check (state in ('open', 'presented', 'approved', 'refused')),
    public_key text check (length(public_key) = 40),
    signing_key text not null default '' check (signing_key ~ '^([0-9a-f]{64})?$'),
    software text not null default '',
    vendor text not null default '',
    model text not null default '',
    serial_number text not null default '',
    presented_at timestamptz,
    device_id uuid,
    created_by text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    decided_by text,
    decided_at timestamptz,
    reason text not null default '',
    primary key (tenant_id, claim_id),
    foreign key (tenant_id, site_id) references sites on delete cascade,
    foreign key (tenant_id, replaces) references devices on delete cascade,
    foreign key (tenant_id, device_id) references devices on delete cascade,
    check (state <> 'approved' or device_id is not null),
    check (state <> 'presented' or public_key is not null)
);
comment on table device_claims is 'Claim codes that people of a tenant entered, and the boxes that came with them';
comment on column device_claims.claim_key is 'CURVE key that the claim code stands for; the code itself is nowhere';
create unique index device_claims_key on device_claims (claim_key);

alter table device_claims enable row level security;
alter table device_claims force row level security;
create policy tenant on device_claims using (tenant_id = app_tenant()) with check (tenant_id = app_tenant());
grant select, insert, delete on device_claims to simems_app;
grant update (state, device_id, decided_by, decided_at, reason) on device_claims to simems_app;
grant select on device_claims to simems_ingest;
grant update (state, public_key, signing_key, software, vendor, model, serial_number, presented_at)
    on device_claims to simems_ingest;

-- Keys that come and go: whoever holds one of them in memory asks again.
create or replace function device_changed() returns trigger
    language plpgsql set search_path = public, pg_temp
    as $$ begin
        perform pg_notify('simems_devices', new.public_key);
        if new.next_public_key is not null then
            perform pg_notify('simems_devices', new.next_public_key);
        end if;
        if tg_op = 'UPDATE' then
            perform pg_notify('simems_devices', k) from unnest(array[old.public_key, old.next_public_key]) as k
            where k is not null and k <> new.public_key;
        end if;
        return new;
    end $$;
drop trigger device_changed on devices;
create trigger device_changed after insert or update of revoked_at, public_key, next_public_key on devices
    for each row execute function device_changed();
create function claim_changed() returns trigger
    language plpgsql set search_path = public, pg_temp
    as $$ begin
        perform pg_notify('simems_devices', coalesce(new.claim_key, old.claim_key));
        return null;
    end $$;
create trigger claim_changed after insert or delete or update of state on device_claims
    for each row execute function claim_changed();

grant select on device_claims to simems_lookup;
create policy lookup on device_claims for select to simems_lookup using (true);
grant create on schema public to simems_lookup;
set role simems_lookup;
-- A key that somebody only announced never comes before the one whose key it is.
drop function device_by_key(text);
create function device_by_key(sought text) returns table (tenant_id uuid, device_id uuid, site_id text)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select d.tenant_id, d.device_id, d.site_id from public.devices d
          join public.tenants t on t.tenant_id = d.tenant_id
          where (d.public_key = sought or d.next_public_key = sought) and d.revoked_at is null and t.status = 'active'
          order by d.public_key = sought desc limit 1 $$;
create function claim_by_key(sought text) returns table (tenant_id uuid, claim_id uuid)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select c.tenant_id, c.claim_id from public.device_claims c
          join public.tenants t on t.tenant_id = c.tenant_id
          where c.claim_key = sought and c.expires_at > now() and t.status = 'active' $$;
revoke all on function device_by_key(text), claim_by_key(text) from public;
grant execute on function device_by_key(text), claim_by_key(text) to simems_ingest, simems_owner;
set role simems_owner;
revoke create on schema public from simems_lookup;
