alter table devices
    add column type text not null default 'edge',
    add column vendor text not null default '',
    add column model text not null default '',
    add column serial_number text not null default '',
    add column protocol text not null default 'simems',
    add column firmware_version text not null default '',
    add column config_version integer not null default 0,
    add column replaced_by uuid,
    add foreign key (tenant_id, replaced_by) references devices;
comment on column devices.software is 'Version of the edge software';
comment on column devices.firmware_version is 'Version of the image the device runs';
comment on column devices.config_version is 'The newest of device_configs; 0: none was announced';

create table device_configs (
    tenant_id uuid not null,
    device_id uuid not null,
    version integer not null check (version > 0),
    hash bytea not null,
    content jsonb not null,
    announced_at timestamptz not null default now(),
    primary key (tenant_id, device_id, version),
    foreign key (tenant_id, device_id) references devices on delete cascade
);
comment on table device_configs is 'What a device announced of its site, one row each time it changed';

create table equipment (
    tenant_id uuid not null,
    equipment_id uuid not null default gen_random_uuid(),
    site_id text not null,
    component_id text not null,
    type text not null,
    vendor text not null default '',
    model text not null default '',
    serial_number text not null default '',
    protocol text not null default '',
    profile text not null default '',
    firmware_version text not null default '',
    first_seen_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    gone_at timestamptz,
    gone_because text not null default '',
    primary key (tenant_id, equipment_id),
    foreign key (tenant_id, site_id) references sites on delete cascade
);
comment on table equipment is 'The devices that stood behind a component''s name, one after the other; values belong to the name';
create unique index equipment_current on equipment (tenant_id, site_id, component_id) where gone_at is null;

alter table channels
    add column scale double precision not null default 1,
    add column value_offset double precision not null default 0,
    add column minimum double precision,
    add column maximum double precision,
    add column access text not null default 'read' check (access in ('read', 'write', 'read_write')),
    add column description text not null default '',
    add column source text not null default '';
comment on column channels.scale is 'value = what the device says * scale + value_offset, done on the device; told for the record';
comment on column channels.source is 'Where the device reads it, e.g. holding 40083 int16';

do $$
declare
    t text;
begin
    foreach t in array array['device_configs', 'equipment'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy tenant on %I using (tenant_id = app_tenant()) with check (tenant_id = app_tenant())', t);
    end loop;
end $$;
grant select, insert on device_configs to simems_ingest;
grant select, insert, update on equipment to simems_ingest;
grant update (vendor, model, serial_number, firmware_version, config_version) on devices to simems_ingest;
grant select on device_configs, equipment to simems_app, simems_worker;
grant insert, update on equipment to simems_app;
grant insert (tenant_id, name, public_key, site_id, vendor, model, serial_number) on devices to simems_app;
grant update (revoked_at, replaced_by) on devices to simems_app;
