alter table tenants add column deleted_at timestamptz;

-- Every table of tenants but these: the tenant's own row stays as a tombstone, its audit log for good.
create view purgeable_tables with (security_invoker = true) as
select c.oid::regclass as name,
    exists (select from pg_constraint f where f.contype = 'f' and f.conrelid = c.oid and f.confrelid = c.oid) as is_tree
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    and c.relname not in ('tenants', 'audit_log', 'audit_heads');

-- Deletes at most so many rows of the transaction's tenant from one table that nothing refers to any more, so that no
-- cascade widens the batch (a tree goes at once). Returns how many; 0: nothing is left, the tombstone
-- is set; -1: it was set before.
create function purge_batch(at_most integer) returns bigint
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    t record;
    below regclass;
    found boolean;
    gone bigint;
begin
    if exists (select from public.tenants where tenant_id = app_tenant() and status = 'deleted') then
        return -1;
    end if;
    if not exists (select from public.tenants where tenant_id = app_tenant() and status = 'deleting') then
        raise exception 'the deletion of this tenant has not been confirmed' using errcode = 'insufficient_privilege';
    end if;
    for t in select * from public.purgeable_tables order by name::text loop
        found := false;
        for below in select f.conrelid::regclass from pg_constraint f
            where f.contype = 'f' and f.confrelid = t.name and f.conrelid <> t.name
        loop
            execute format('select exists (select from %s where tenant_id = app_tenant())', below) into found;
            exit when found;
        end loop;
        continue when found;
        execute format('delete from %1$s where ctid = any (array(select ctid from %1$s where tenant_id = app_tenant() limit $1))
            and tenant_id = app_tenant()', t.name) using case when t.is_tree then null else at_most end;
        get diagnostics gone = row_count;
        if gone > 0 then
            return gone;
        end if;
    end loop;
    for t in select * from public.purgeable_tables loop
        execute format('select exists (select from %s where tenant_id = app_tenant())', t.name) into found;
        if found then
            raise exception 'rows of % cannot be deleted: what refers to them is not', t.name;
        end if;
    end loop;
    update public.tenants set status = 'deleted', deleted_at = now(), name = 'deleted ' || tenant_id
    where tenant_id = app_tenant();
    return 0;
end $$;

create function deleting_tenants() returns table (tenant_id uuid)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select tenant_id from public.tenants where status = 'deleting' order by tenant_id $$;

grant usage on schema public to simems_purge;
do $$
declare
    t regclass;
begin
    for t in select name from purgeable_tables loop
        execute format('grant select, delete on %s to simems_purge', t);
    end loop;
end $$;
alter default privileges for role simems_owner in schema public grant select, delete on tables to simems_purge;
grant select on tenants, purgeable_tables to simems_purge;
revoke delete on purgeable_tables from simems_purge;
grant update (status, deleted_at, name) on tenants to simems_purge;
grant select on purgeable_tables to simems_app;

revoke all on function purge_batch(integer), deleting_tenants() from public;
grant execute on function purge_batch(integer), deleting_tenants() to simems_app;
grant create on schema public to simems_purge, simems_lookup;
alter function purge_batch(integer) owner to simems_purge;
alter function deleting_tenants() owner to simems_lookup;
revoke create on schema public from simems_purge, simems_lookup;
set role simems_purge;
grant execute on function purge_batch(integer) to simems_owner;
set role simems_lookup;
grant execute on function deleting_tenants() to simems_owner;
set role simems_owner;
