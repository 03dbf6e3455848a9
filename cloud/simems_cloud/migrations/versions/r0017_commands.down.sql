do $$
declare
    tenant uuid;
begin
    for tenant in select p.tenant_id from platform_tenants() p loop
        perform set_config('app.tenant', tenant::text, true);
        delete from role_permissions where permission in ('commands:read', 'commands:write');
        delete from commands;
    end loop;
    perform set_config('app.tenant', '', true);
end $$;
delete from permissions where permission in ('commands:read', 'commands:write');
drop trigger command_made on commands;
drop function command_made();
drop table command_results, command_keys;
alter table command_acks drop constraint command_acks_status_check, drop column received_at;
alter table command_acks add constraint command_acks_status_check
    check (status in ('received', 'done', 'refused', 'expired', 'failed'));
alter table commands drop column site_id, drop column batch_id, drop column key, drop column state, drop column reason,
    drop column sent_at, drop column decided_at, alter column payload type bytea using convert_to(payload, 'UTF8');
revoke insert on commands from simems_app;
revoke select on commands, command_acks from simems_ingest, simems_worker;
revoke insert on command_acks from simems_ingest;
alter table devices drop column command_counter;
