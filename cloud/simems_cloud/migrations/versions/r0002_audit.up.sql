-- One chain per tenant. No foreign key to tenants: the log of a deleted tenant stays.
create table audit_log (
    tenant_id uuid not null,
    serial bigint not null check (serial > 0),
    at timestamptz not null check (isfinite(at)),
    actor text not null check (actor <> ''),
    action text not null check (action <> ''),
    object text not null,
    details jsonb not null default '{}',
    previous bytea not null check (length(previous) = 32),
    hash bytea not null check (length(hash) = 32),
    primary key (tenant_id, serial)
);
comment on column audit_log.at is 'When it happened: the server''s time, or the device''s for what was done on site';
create index audit_log_at on audit_log (tenant_id, at);

create table audit_heads (
    tenant_id uuid primary key,
    serial bigint not null,
    hash bytea not null
);
comment on table audit_heads is 'The newest entry of each chain; its row is the lock under which entries are appended';

do $$
declare
    t text;
begin
    foreach t in array array['audit_log', 'audit_heads'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy tenant on %I using (tenant_id = app_tenant()) with check (tenant_id = app_tenant())', t);
    end loop;
end $$;

-- Netstrings ("5:hello"), so that no two entries have the same text; times in microseconds since 1970.
create function audit_field(value text) returns text
    language sql immutable parallel safe
    return octet_length(convert_to(value, 'UTF8')) || ':' || value;

create function audit_hash(previous bytea, tenant uuid, serial bigint, at timestamptz, actor text, action text,
    object text, details jsonb) returns bytea
    language sql stable parallel safe
    return sha256(previous || convert_to(
        audit_field(tenant::text) || audit_field(serial::text)
        || audit_field((extract(epoch from at) * 1000000)::bigint::text)
        || audit_field(actor) || audit_field(action) || audit_field(object) || audit_field(details::text), 'UTF8'));

create function append_audit(happened_at timestamptz, who text, what text, on_what text, more jsonb) returns bigint
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    head public.audit_heads;
    entry_hash bytea;
begin
    if app_tenant() is null then
        raise exception 'an audit entry needs a tenant' using errcode = 'insufficient_privilege';
    end if;
    insert into public.audit_heads as h (tenant_id, serial, hash)
    values (app_tenant(), 0, decode(repeat('00', 32), 'hex')) on conflict (tenant_id) do nothing;
    select * into strict head from public.audit_heads where tenant_id = app_tenant() for update;
    entry_hash := public.audit_hash(
        head.hash, head.tenant_id, head.serial + 1, happened_at, who, what, on_what, more);
    insert into public.audit_log (tenant_id, serial, at, actor, action, object, details, previous, hash)
    values (head.tenant_id, head.serial + 1, happened_at, who, what, on_what, more, head.hash, entry_hash);
    update public.audit_heads set serial = head.serial + 1, hash = entry_hash where tenant_id = head.tenant_id;
    return head.serial + 1;
end $$;

create function audit_only_grows() returns trigger
    language plpgsql set search_path = public, pg_temp
    as $$ begin
        raise exception 'the audit log only grows' using errcode = 'insufficient_privilege';
    end $$;
create trigger audit_only_grows before update or delete on audit_log
    for each row execute function audit_only_grows();
create trigger audit_is_never_emptied before truncate on audit_log
    for each statement execute function audit_only_grows();
-- Also where triggers are switched off for a session.
alter table audit_log enable always trigger audit_only_grows;
alter table audit_log enable always trigger audit_is_never_emptied;

-- Which chains there are, also those whose tenant is gone.
create function audit_chains() returns table (tenant_id uuid)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select h.tenant_id from public.audit_heads h union select l.tenant_id from public.audit_log l
          order by tenant_id $$;

create policy lookup on audit_heads for select to simems_lookup using (true);
create policy lookup on audit_log for select to simems_lookup using (true);
grant select on audit_heads, audit_log to simems_lookup;
grant select on audit_log to simems_app;
grant usage on schema public to simems_audit;
grant select, insert on audit_log to simems_audit;
grant select, insert, update on audit_heads to simems_audit;
revoke all on function append_audit(timestamptz, text, text, text, jsonb), audit_chains() from public;
grant execute on function append_audit(timestamptz, text, text, text, jsonb) to simems_app, simems_ingest;

do $$
declare
    tenant uuid;
    line record;
begin
    for tenant in select p.tenant_id from platform_tenants() p loop
        perform set_config('app.tenant', tenant::text, true);
        for line in select * from audit order by audit_id loop
            perform append_audit(line.at, coalesce(nullif(line.actor, ''), 'unknown'),
                coalesce(nullif(line.action, ''), 'unknown'), line.object, line.details);
        end loop;
    end loop;
    perform set_config('app.tenant', '', true);
end $$;
drop table audit;

grant create on schema public to simems_audit, simems_lookup;
alter function append_audit(timestamptz, text, text, text, jsonb) owner to simems_audit;
alter function audit_chains() owner to simems_lookup;
revoke create on schema public from simems_audit, simems_lookup;
set role simems_audit;
grant execute on function append_audit(timestamptz, text, text, text, jsonb) to simems_owner;
set role simems_lookup;
grant execute on function audit_chains() to simems_owner;
set role simems_owner;
-- Not even its owner; the triggers above hold for those who may grant it back.
revoke insert, update, delete, truncate on audit_log from simems_owner;
revoke insert, update, delete, truncate on audit_heads from simems_owner;

do $$
begin
    if exists (select from pg_roles where rolname = 'simems_backup') then
        alter default privileges for role simems_owner in schema public grant select on tables to simems_backup;
        alter default privileges for role simems_owner in schema public grant select on sequences to simems_backup;
        grant select on audit_log, audit_heads to simems_backup;
    end if;
end $$;
