-- Money is numeric; every amount names its currency. Times are half-open intervals.
create table tariffs (
    tenant_id uuid not null references tenants on delete cascade,
    tariff_id uuid not null default gen_random_uuid(),
    name text not null check (name <> ''),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    valid_from date not null,
    valid_until date check (valid_until > valid_from),
    definition jsonb not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, tariff_id),
    unique (tenant_id, name, valid_from)
);
comment on column tariffs.definition is 'The tariff file as it was given';

create table billing_runs (
    tenant_id uuid not null,
    run_id uuid not null default gen_random_uuid(),
    tariff_id uuid not null,
    from_date date not null,
    until_date date not null check (until_date > from_date),
    status text not null default 'draft' check (status in ('draft', 'final', 'cancelled')),
    inputs_hash bytea,
    created_by text not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, run_id),
    foreign key (tenant_id, tariff_id) references tariffs
);

create table invoices (
    tenant_id uuid not null,
    invoice_id uuid not null default gen_random_uuid(),
    run_id uuid not null,
    site_id text not null,
    number text,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    net numeric(18, 4) not null,
    tax numeric(18, 4) not null,
    gross numeric(18, 4) not null,
    lines jsonb not null,
    issued_at timestamptz,
    primary key (tenant_id, invoice_id),
    unique (tenant_id, number),
    foreign key (tenant_id, run_id) references billing_runs,
    foreign key (tenant_id, site_id) references sites on delete cascade
);

create table carbon_factors (
    tenant_id uuid not null references tenants on delete cascade,
    factor_id uuid not null default gen_random_uuid(),
    market_zone text not null,
    method text not null check (method in ('location', 'market')),
    start_at timestamptz not null,
    end_at timestamptz not null check (end_at > start_at),
    grams_per_kwh double precision not null check (grams_per_kwh >= 0 and grams_per_kwh < 'infinity'),
    source text not null,
    primary key (tenant_id, factor_id),
    unique (tenant_id, market_zone, method, start_at, source)
);

create table emissions (
    tenant_id uuid not null,
    emission_id uuid not null default gen_random_uuid(),
    site_id text not null,
    method text not null check (method in ('location', 'market')),
    start_at timestamptz not null,
    end_at timestamptz not null check (end_at > start_at),
    energy_wh double precision not null,
    grams double precision not null,
    inputs_hash bytea,
    created_at timestamptz not null default now(),
    primary key (tenant_id, emission_id),
    unique (tenant_id, site_id, method, start_at, end_at),
    foreign key (tenant_id, site_id) references sites on delete cascade
);

create table commands (
    tenant_id uuid not null,
    command_id uuid not null default gen_random_uuid(),
    device_id uuid not null,
    counter bigint not null check (counter > 0),
    kind text not null check (kind <> ''),
    payload bytea not null,
    payload_hash bytea not null,
    signature bytea not null,
    not_before timestamptz not null,
    expires_at timestamptz not null check (expires_at > not_before),
    requested_by text not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, command_id),
    unique (tenant_id, device_id, counter),
    foreign key (tenant_id, device_id) references devices on delete cascade
);
comment on column commands.counter is 'Rises with each command of a device; the device takes none that is not above its last';

create table command_acks (
    tenant_id uuid not null,
    command_id uuid not null,
    at timestamptz not null,
    status text not null check (status in ('received', 'done', 'refused', 'expired', 'failed')),
    reason text not null default '',
    primary key (tenant_id, command_id, at),
    foreign key (tenant_id, command_id) references commands on delete cascade
);

do $$
declare
    t text;
begin
    foreach t in array array['tariffs', 'billing_runs', 'invoices', 'carbon_factors', 'emissions', 'commands',
        'command_acks']
    loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy tenant on %I using (tenant_id = app_tenant()) with check (tenant_id = app_tenant())', t);
    end loop;
end $$;
grant select on tariffs, billing_runs, invoices, carbon_factors, emissions, commands, command_acks to simems_app;

-- Alarms and faults as they were raised, cleared and acknowledged, and what people did on site.
create view events with (security_invoker = true) as
select a.tenant_id, a.site_id, e.at, e.kind, a.code, a.severity, a.component, a.text, e.actor, a.origin,
    a.alarm_id::text as object
from alarms a
cross join lateral (values ('raised', a.raised_at, null::text), ('cleared', a.cleared_at, null),
    ('acknowledged', a.acknowledged_at, a.acknowledged_by)) as e (kind, at, actor)
where e.at is not null
union all
select l.tenant_id, l.details ->> 'site_id', l.at, 'action', l.action, 'info', coalesce(l.details ->> 'component', ''),
    coalesce(l.details ->> 'text', ''), l.actor, 'edge', l.object
from audit_log l
where l.details ? 'site_id' and l.details ? 'kind';
grant select on events to simems_app;
