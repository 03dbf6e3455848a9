create table retention (
    tenant_id uuid primary key references tenants on delete cascade,
    raw_days integer check (raw_days between 1 and 36500),
    minute_days integer check (minute_days between 1 and 36500),
    quarter_days integer check (quarter_days between 1 and 36500),
    version bigint not null default 1,
    check (coalesce(raw_days, 99999) <= coalesce(minute_days, 99999)
        and coalesce(minute_days, 99999) <= coalesce(quarter_days, 99999))
);
comment on table retention is 'Days each kind of value is kept; null: for ever; no row: 90, 730, for ever';

create table exports (
    tenant_id uuid not null,
    export_id uuid not null default gen_random_uuid(),
    site_id text not null,
    requested_by text not null,
    channels text[] not null,
    start_at timestamptz not null,
    end_at timestamptz not null check (end_at > start_at),
    resolution text not null check (resolution in ('raw', '1min', '15min')),
    format text not null check (format in ('csv', 'parquet')),
    status text not null default 'queued' check (status in ('queued', 'running', 'done', 'failed')),
    progress real not null default 0 check (progress between 0 and 1),
    rows bigint not null default 0,
    bytes bigint not null default 0,
    error text,
    attempts integer not null default 0,
    held_until timestamptz,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    primary key (tenant_id, export_id),
    foreign key (tenant_id, site_id) references sites on delete cascade
);
comment on column exports.held_until is 'A worker that dies holds it no longer than this; another one begins anew';
create index exports_waiting on exports (created_at) where status in ('queued', 'running');

create table export_chunks (
    tenant_id uuid not null,
    export_id uuid not null,
    part integer not null,
    data bytea not null,
    primary key (tenant_id, export_id, part),
    foreign key (tenant_id, export_id) references exports on delete cascade
);

do $$
declare
    t text;
begin
    foreach t in array array['retention', 'exports', 'export_chunks'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy tenant on %I using (tenant_id = app_tenant()) with check (tenant_id = app_tenant())', t);
    end loop;
end $$;
grant select, insert, update on retention to simems_app;
grant select on retention to simems_worker, simems_lookup;
grant select, insert, delete on exports to simems_app;
grant select on export_chunks to simems_app;
grant select, update, delete on exports to simems_worker;
grant select, insert, delete on export_chunks to simems_worker;
grant select on exports to simems_lookup;
create policy lookup on exports for select to simems_lookup using (true);
create policy lookup on retention for select to simems_lookup using (true);

create function waiting_exports(at_most integer) returns table (tenant_id uuid, export_id uuid)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select e.tenant_id, e.export_id from public.exports e
          where e.status = 'queued' or (e.status = 'running' and e.held_until < now())
          order by e.created_at limit at_most $$;
create function longest_retention() returns table (raw_days integer, minute_days integer, quarter_days integer)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select max(case when r.tenant_id is null then 90 else coalesce(r.raw_days, 99999) end),
              max(case when r.tenant_id is null then 730 else coalesce(r.minute_days, 99999) end),
              max(case when r.tenant_id is null then 99999 else coalesce(r.quarter_days, 99999) end)
          from public.tenants t left join public.retention r on r.tenant_id = t.tenant_id
          where t.status <> 'deleted' $$;
revoke all on function waiting_exports(integer), longest_retention() from public;
grant execute on function waiting_exports(integer) to simems_worker;
grant execute on function longest_retention() to simems_owner, simems_worker;

-- Whole months that no tenant keeps any more; the month after the longest retention stays, in case clocks differ.
create function drop_partitions() returns integer
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    keep record;
    part record;
    days integer;
    dropped integer := 0;
begin
    select * into keep from public.longest_retention();
    perform pg_advisory_xact_lock(7700003);
    for part in select c.relname, p.relname as parent, to_date(right(c.relname, 6), 'YYYYMM') as month
        from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
        where p.relnamespace = 'public'::regnamespace and p.relkind = 'p'
        and p.relname in ('measurement_blocks', 'rollup_1min', 'rollup_15min')
    loop
        days := case part.parent when 'measurement_blocks' then keep.raw_days when 'rollup_1min' then keep.minute_days
            else keep.quarter_days end;
        if days is not null and part.month + interval '2 months' < now() - make_interval(days => days) then
            execute format('drop table public.%I', part.relname);
            dropped := dropped + 1;
        end if;
    end loop;
    return dropped;
end $$;
revoke all on function drop_partitions() from public;
grant execute on function drop_partitions() to simems_worker;
grant create on schema public to simems_lookup;
alter function waiting_exports(integer) owner to simems_lookup;
alter function longest_retention() owner to simems_lookup;
revoke create on schema public from simems_lookup;
set role simems_lookup;
grant execute on function longest_retention() to simems_owner;
set role simems_owner;
