do $$
declare
    tenant uuid;
begin
    for tenant in select p.tenant_id from platform_tenants() p loop
        perform set_config('app.tenant', tenant::text, true);
        delete from role_permissions where permission in ('jobs:read', 'jobs:write');
    end loop;
    perform set_config('app.tenant', '', true);
end $$;
delete from permissions where permission in ('jobs:read', 'jobs:write');
set role simems_lookup;
drop function job_tenants();
set role simems_jobs;
drop function enqueue_job(text, jsonb, timestamptz, text), tenant_jobs(bigint, integer), retry_tenant_job(bigint);
set role simems_owner;
set role simems_audit;
revoke execute on function append_audit(timestamptz, text, text, text, jsonb) from simems_worker;
set role simems_owner;
revoke select on users, roles, role_permissions, role_grants, user_grants, org_nodes from simems_worker;
revoke usage on schema public from simems_jobs;
drop schema jobs cascade;
