drop view measurements;
set role simems_lookup;
drop function platform_tenants(), user_by_email(text), device_by_key(text), silent_devices(timestamptz),
    begin_sign_in(bytea, integer, integer), sign_in_succeeded(bytea);
set role simems_owner;
drop table sign_in_attempts, audit, alarms, latest, rollup_15min, rollup_1min, measurement_blocks, frames, channels,
    components, devices, sites, users, tenants;
drop function device_changed(), app_tenant();
