create table report_schedules (
    tenant_id uuid not null references tenants on delete cascade,
    schedule_id uuid not null default gen_random_uuid(),
    node_id uuid not null,
    period text not null check (period in ('day', 'week', 'month')),
    time_zone text,
    due_hour smallint not null default 6 check (due_hour between 0 and 23),
    active boolean not null default true,
    version bigint not null default 1,
    created_by text not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, schedule_id),
    foreign key (tenant_id, node_id) references org_nodes on delete cascade
);
comment on column report_schedules.time_zone is 'Null: that of the sites, when it is the same for all, else UTC';
comment on column report_schedules.due_hour is 'Of the day after the period, by that zone''s clock: late data have come by then';

create table reports (
    tenant_id uuid not null references tenants on delete cascade,
    report_id uuid not null default gen_random_uuid(),
    schedule_id uuid,
    node_id uuid not null,
    period text not null check (period in ('day', 'week', 'month')),
    starts_on date not null,
    ends_on date not null check (ends_on > starts_on),
    time_zone text not null,
    state text not null default 'waiting' check (state in ('waiting', 'ready', 'failed')),
    error text not null default '',
    engine text not null default '',
    inputs bytea,
    inputs_hash text,
    created_by text not null,
    created_at timestamptz not null default now(),
    made_at timestamptz,
    primary key (tenant_id, report_id),
    unique (tenant_id, schedule_id, starts_on),
    foreign key (tenant_id, schedule_id) references report_schedules on delete set null (schedule_id),
    foreign key (tenant_id, node_id) references org_nodes on delete cascade,
    check (state <> 'ready' or (inputs is not null and inputs_hash is not null))
);
comment on column reports.inputs is 'All that the files are made from, as JSON, compressed';
comment on column reports.inputs_hash is 'sha256 of that JSON';
comment on column reports.engine is 'Version of what made the files; the same inputs and engine make the same bytes';
create index reports_newest on reports (tenant_id, created_at desc, report_id);

create table report_files (
    tenant_id uuid not null,
    report_id uuid not null,
    format text not null check (format in ('html', 'pdf', 'csv')),
    sha256 text not null,
    content bytea not null,
    primary key (tenant_id, report_id, format),
    foreign key (tenant_id, report_id) references reports on delete cascade
);
alter table report_files alter content set storage external;

do $$
declare
    t text;
begin
    foreach t in array array['report_schedules', 'reports', 'report_files'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy tenant on %I using (tenant_id = app_tenant()) with check (tenant_id = app_tenant())', t);
    end loop;
end $$;
grant select on report_schedules, reports, report_files to simems_app, simems_worker;
grant insert, update, delete on report_schedules to simems_app;
grant insert, delete on reports to simems_app;
grant insert, update on reports to simems_worker;
grant delete on report_files to simems_app;
grant insert, delete on report_files to simems_worker;

insert into permissions values
    ('reports:read', 'List and download reports'),
    ('reports:write', 'Make, schedule and delete reports');
