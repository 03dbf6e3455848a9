alter table channels drop column scale, drop column value_offset, drop column minimum, drop column maximum,
    drop column access, drop column description, drop column source;
drop table equipment, device_configs;
alter table devices drop column type, drop column vendor, drop column model, drop column serial_number,
    drop column protocol, drop column firmware_version, drop column config_version, drop column replaced_by;
revoke insert (tenant_id, name, public_key, site_id) on devices from simems_app;
revoke update (revoked_at) on devices from simems_app;
