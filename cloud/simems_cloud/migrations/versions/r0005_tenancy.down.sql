set role simems_purge;
drop function purge_batch(integer);
set role simems_lookup;
drop function deleting_tenants();
set role simems_owner;
alter default privileges for role simems_owner in schema public revoke select, delete on tables from simems_purge;
do $$
declare
    t regclass;
begin
    for t in select name from purgeable_tables loop
        execute format('revoke all on %s from simems_purge', t);
    end loop;
end $$;
drop view purgeable_tables;
revoke all on tenants from simems_purge;
revoke update (status, deleted_at, name) on tenants from simems_purge;
revoke usage on schema public from simems_purge;
alter table tenants drop column deleted_at;
