do $$
declare
    tenant uuid;
begin
    for tenant in select p.tenant_id from platform_tenants() p loop
        perform set_config('app.tenant', tenant::text, true);
        delete from role_permissions where permission in ('reports:read', 'reports:write');
    end loop;
    perform set_config('app.tenant', '', true);
end $$;
delete from permissions where permission in ('reports:read', 'reports:write');
drop table report_files, reports, report_schedules;
