create table alarm_rules (
    tenant_id uuid not null references tenants on delete cascade,
    rule_id uuid not null default gen_random_uuid(),
    name text not null check (name <> ''),
    kind text not null check (kind in ('stale', 'above', 'below', 'event', 'range', 'jump', 'stuck', 'balance')),
    site_id text,
    component_kind text not null default '',
    channel text not null default '',
    low double precision,
    threshold double precision,
    hysteresis double precision not null default 0 check (hysteresis >= 0),
    for_s double precision not null default 0 check (for_s between 0 and 86400),
    severity text not null check (severity in ('info', 'warning', 'alarm')),
    escalate_after_s double precision check (escalate_after_s between 60 and 2592000),
    remedy text not null default '',
    active boolean not null default true,
    version bigint not null default 1,
    primary key (tenant_id, rule_id),
    foreign key (tenant_id, site_id) references sites on delete cascade
);
comment on table alarm_rules is 'What a tenant has said; the built-in rules stand in the code, a row with the id of one replaces it';
comment on column alarm_rules.channel is 'An address, or one with * for any text';
comment on column alarm_rules.component_kind is 'Only components of this kind; empty: any';

create table alarm_rule_states (
    tenant_id uuid not null references tenants on delete cascade,
    rule_id uuid not null,
    site_id text not null,
    address text not null,
    seen_at timestamptz not null,
    seen double precision,
    since timestamptz,
    primary key (tenant_id, rule_id, site_id, address),
    foreign key (tenant_id, site_id) references sites on delete cascade
);
comment on column alarm_rule_states.since is 'Since when the condition holds without a break; null: it does not';

alter table alarms
    add column rule_id uuid,
    add column address text not null default '',
    add column escalated_at timestamptz,
    add column value double precision;
comment on column alarms.rule_id is 'Of the rule that raised it; null: an event of a device, or the cloud itself';
drop index alarms_cloud_once;
create unique index alarms_cloud_once on alarms (tenant_id, device_id, code)
    where origin = 'cloud' and rule_id is null and cleared_at is null;
create unique index alarms_rule_once on alarms (tenant_id, rule_id, site_id, address)
    where rule_id is not null and cleared_at is null;

create table alarm_silences (
    tenant_id uuid not null references tenants on delete cascade,
    silence_id uuid not null default gen_random_uuid(),
    site_id text,
    code text not null default '*' check (code <> ''),
    component text not null default '*' check (component <> ''),
    until timestamptz not null,
    reason text not null default '',
    created_by text not null,
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    primary key (tenant_id, silence_id),
    foreign key (tenant_id, site_id) references sites on delete cascade
);
create index alarm_silences_standing on alarm_silences (tenant_id, until) where ended_at is null;

-- Every step in an alarm's life, written by the trigger below in the transaction that makes it: nothing that changes an
-- alarm can forget to tell. ``told_at`` null: the worker has not yet seen who wants to hear of it.
create table alarm_changes (
    tenant_id uuid not null,
    change_id bigint generated always as identity,
    alarm_id uuid not null,
    site_id text not null,
    kind text not null check (kind in ('raised', 'cleared', 'acknowledged', 'escalated', 'severity', 'commented')),
    severity text not null,
    at timestamptz not null default now(),
    actor text not null default '',
    text text not null default '',
    told_at timestamptz,
    primary key (tenant_id, change_id),
    foreign key (tenant_id, alarm_id) references alarms on delete cascade
);
create index alarm_changes_alarm on alarm_changes (tenant_id, alarm_id, change_id);
create index alarm_changes_untold on alarm_changes (tenant_id, change_id) where told_at is null;

create function alarm_changed() returns trigger
    language plpgsql set search_path = public, pg_temp
    as $$
declare
    made text[] := '{}';
    kind text;
begin
    if tg_op = 'INSERT' then
        made := '{raised}';
    end if;
    if tg_op = 'UPDATE' and new.escalated_at is distinct from old.escalated_at and new.escalated_at is not null then
        made := made || 'escalated'::text;
    elsif tg_op = 'UPDATE' and new.severity <> old.severity then
        made := made || 'severity'::text;
    end if;
    if new.acknowledged_at is not null and (tg_op = 'INSERT' or old.acknowledged_at is null) then
        made := made || 'acknowledged'::text;
    end if;
    if new.cleared_at is not null and (tg_op = 'INSERT' or old.cleared_at is null) then
        made := made || 'cleared'::text;
    end if;
    foreach kind in array made loop
        insert into alarm_changes (tenant_id, alarm_id, site_id, kind, severity, actor, at)
        values (new.tenant_id, new.alarm_id, new.site_id, kind, new.severity,
            case kind when 'acknowledged' then coalesce(new.acknowledged_by, '') else '' end, clock_timestamp());
    end loop;
    return new;
end $$;
create trigger alarm_changed after insert or update on alarms for each row execute function alarm_changed();

create table webhooks (
    tenant_id uuid not null references tenants on delete cascade,
    webhook_id uuid not null default gen_random_uuid(),
    name text not null check (name <> ''),
    url text not null,
    sealed_secret bytea not null,
    active boolean not null default true,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    primary key (tenant_id, webhook_id),
    unique (tenant_id, name)
);

create table notification_subscriptions (
    tenant_id uuid not null,
    subscription_id uuid not null default gen_random_uuid(),
    user_id uuid,
    role text,
    webhook_id uuid,
    site_id text,
    minimum_severity text not null check (minimum_severity in ('info', 'warning', 'alarm')),
    escalations_only boolean not null default false,
    tell_cleared boolean not null default true,
    quiet_from time,
    quiet_to time,
    time_zone text not null default 'UTC',
    alarms_break_quiet boolean not null default true,
    active boolean not null default true,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    primary key (tenant_id, subscription_id),
    foreign key (tenant_id, user_id) references users on delete cascade,
    foreign key (tenant_id, webhook_id) references webhooks on delete cascade,
    foreign key (tenant_id, site_id) references sites on delete cascade,
    check (num_nonnulls(user_id, role, webhook_id) = 1),
    check ((quiet_from is null) = (quiet_to is null))
);
comment on table notification_subscriptions is 'Who hears of alarms: a person or all of a role by e-mail, or a webhook';

create table notification_deliveries (
    tenant_id uuid not null,
    delivery_id uuid not null default gen_random_uuid(),
    change_id bigint,
    subscription_id uuid,
    webhook_id uuid,
    method text not null check (method in ('email', 'webhook')),
    recipient text not null,
    subject text not null,
    body jsonb not null,
    state text not null default 'waiting' check (state in ('waiting', 'delivered', 'failed', 'dropped')),
    attempts integer not null default 0,
    next_attempt_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    delivered_at timestamptz,
    last_error text not null default '',
    primary key (tenant_id, delivery_id),
    unique (tenant_id, change_id, method, recipient),
    foreign key (tenant_id, change_id) references alarm_changes on delete cascade,
    foreign key (tenant_id, webhook_id) references webhooks on delete cascade
);
create index notification_deliveries_due on notification_deliveries (tenant_id, next_attempt_at) where state = 'waiting';
create index notification_deliveries_new on notification_deliveries (tenant_id, created_at desc, delivery_id);

do $$
declare
    t text;
begin
    foreach t in array array['alarm_rules', 'alarm_rule_states', 'alarm_silences', 'alarm_changes', 'webhooks',
        'notification_subscriptions', 'notification_deliveries']
    loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy tenant on %I using (tenant_id = app_tenant()) with check (tenant_id = app_tenant())', t);
    end loop;
end $$;
grant select on alarm_rules, alarm_silences, alarm_changes, webhooks, notification_subscriptions, notification_deliveries
    to simems_app, simems_worker;
grant insert, update, delete on alarm_rules, alarm_silences, webhooks, notification_subscriptions to simems_app;
grant insert on alarm_changes to simems_app, simems_ingest, simems_worker;
grant select on alarm_changes to simems_ingest;
grant update (told_at) on alarm_changes to simems_worker;
grant insert, update on notification_deliveries to simems_app, simems_worker;
grant select, insert, update, delete on alarm_rule_states to simems_worker;
grant select, delete on alarm_rule_states to simems_app;

-- Which tenants have something to tell or to send: the worker's way to be quick where nothing happens.
grant select on alarm_changes, notification_deliveries to simems_lookup;
create policy lookup on alarm_changes for select to simems_lookup using (true);
create policy lookup on notification_deliveries for select to simems_lookup using (true);
create function tenants_with_news() returns table (tenant_id uuid)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select c.tenant_id from public.alarm_changes c where c.told_at is null
          union select d.tenant_id from public.notification_deliveries d
          where d.state = 'waiting' and d.next_attempt_at <= now() $$;
revoke all on function tenants_with_news() from public;
grant execute on function tenants_with_news() to simems_worker;
grant create on schema public to simems_lookup;
alter function tenants_with_news() owner to simems_lookup;
revoke create on schema public from simems_lookup;

-- What happened before this revision is told to nobody.
do $$
declare
    tenant uuid;
begin
    for tenant in select p.tenant_id from platform_tenants() p loop
        perform set_config('app.tenant', tenant::text, true);
        insert into alarm_changes (tenant_id, alarm_id, site_id, kind, severity, at, told_at)
        select tenant_id, alarm_id, site_id, 'raised', severity, raised_at, now() from alarms;
    end loop;
    perform set_config('app.tenant', '', true);
end $$;

insert into permissions values
    ('alarms:write', 'Change alarm rules, silence and comment on alarms'),
    ('notifications:write', 'Say who is told of alarms, and where webhooks go');
