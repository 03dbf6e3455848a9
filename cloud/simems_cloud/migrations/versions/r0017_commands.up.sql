create table command_keys (
    tenant_id uuid not null references tenants on delete cascade,
    public_key text not null check (public_key ~ '^[0-9a-f]{64}$'),
    sealed_secret bytea not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, public_key)
);
comment on table command_keys is 'Ed25519; devices believe what is signed with it. Only who has the vault key can sign';

alter table devices add column command_counter bigint not null default 0;
comment on column devices.command_counter is 'Of the newest command; it only rises';

alter table commands
    add column site_id text not null,
    add column batch_id uuid,
    add column key text not null check (key ~ '^[0-9a-f]{64}$'),
    add column state text not null default 'queued'
        check (state in ('queued', 'sent', 'accepted', 'rejected', 'done', 'expired')),
    add column reason text not null default '',
    add column sent_at timestamptz,
    add column decided_at timestamptz,
    alter column payload type text using convert_from(payload, 'UTF8'),
    add foreign key (tenant_id, site_id) references sites on delete cascade;
comment on column commands.state is 'queued: not sent yet; sent: no word of the device yet; accepted: it is at it; the others are the end';
create index commands_open on commands (tenant_id, device_id, counter) where state in ('queued', 'sent', 'accepted');
create index commands_newest on commands (tenant_id, site_id, created_at desc);
create index commands_batch on commands (tenant_id, batch_id) where batch_id is not null;

alter table command_acks drop constraint command_acks_status_check;
alter table command_acks
    add constraint command_acks_status_check check (status in ('accepted', 'rejected', 'done', 'expired')),
    add column received_at timestamptz not null default now();
comment on column command_acks.at is 'By the clock of the device';

create table command_results (
    tenant_id uuid not null,
    command_id uuid not null,
    content bytea not null,
    received_at timestamptz not null default now(),
    primary key (tenant_id, command_id),
    foreign key (tenant_id, command_id) references commands on delete cascade
);
comment on table command_results is 'What a command brought back, e.g. a diagnostics bundle';
alter table command_results alter content set storage external;

do $$
declare
    t text;
begin
    foreach t in array array['command_keys', 'command_results'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy tenant on %I using (tenant_id = app_tenant()) with check (tenant_id = app_tenant())', t);
    end loop;
end $$;
grant select, insert on command_keys to simems_app;
grant select (tenant_id, public_key, created_at) on command_keys to simems_ingest;
grant select on command_results to simems_app;
grant insert on commands to simems_app;
grant update (state, reason, decided_at) on commands to simems_app;
grant update (command_counter) on devices to simems_app;
grant select on commands, command_acks to simems_ingest;
grant update (state, reason, sent_at, decided_at) on commands to simems_ingest;
grant insert on command_acks, command_results to simems_ingest;
grant select (tenant_id, command_id) on command_results to simems_ingest;
grant select on commands, command_acks to simems_worker;

create function command_made() returns trigger
    language plpgsql set search_path = public, pg_temp
    as $$ begin
        perform pg_notify('simems_commands', new.device_id::text);
        return null;
    end $$;
create trigger command_made after insert on commands for each row execute function command_made();

insert into permissions values
    ('commands:read', 'See commands and what became of them'),
    ('commands:write', 'Send commands to sites');
