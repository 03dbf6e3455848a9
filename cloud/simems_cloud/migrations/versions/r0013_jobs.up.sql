-- Its tables know no tenants, so no role of the API reaches them; the worker does, and the functions below.
do $$
declare
    f regprocedure;
begin
    for f in select oid from pg_proc where pronamespace = 'jobs'::regnamespace loop
        execute format('alter function %s set search_path = jobs, pg_temp', f);
        execute format('revoke all on function %s from public', f);
        execute format('grant execute on function %s to simems_worker, simems_jobs', f);
    end loop;
end $$;
grant usage on schema jobs to simems_worker, simems_jobs;
grant select, insert, update, delete on all tables in schema jobs to simems_worker, simems_jobs;
grant usage, select on all sequences in schema jobs to simems_worker, simems_jobs;
grant usage on schema public to simems_jobs;
do $$
begin
    if exists (select from pg_roles where rolname = 'simems_backup') then
        grant usage on schema jobs to simems_backup;
        grant select on all tables in schema jobs to simems_backup;
        grant select on all sequences in schema jobs to simems_backup;
    end if;
end $$;

-- In the transaction of whoever asks; the tenant is the transaction's, whatever the arguments say. Null: one with that
-- name waits already.
create function enqueue_job(task text, arguments jsonb, not_before timestamptz, only_one text) returns bigint
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    made bigint[];
begin
    if app_tenant() is null then
        raise exception 'a job needs a tenant' using errcode = 'insufficient_privilege';
    end if;
    if task !~ '^tenant\.[a-z_]+$' then
        raise exception 'job %: not one that a tenant may ask for', task using errcode = 'insufficient_privilege';
    end if;
    made := jobs.procrastinate_defer_jobs_v1(array[row('tenant', task, 0, null,
        task || ':' || app_tenant() || ':' || only_one,
        arguments || jsonb_build_object('tenant_id', app_tenant()), not_before)::jobs.procrastinate_job_to_defer_v1]);
    return made[1];
exception when unique_violation then
    return null;
end $$;

create function tenant_jobs(before bigint, at_most integer)
    returns table (id bigint, task text, status text, attempts integer, arguments jsonb, scheduled_at timestamptz,
        created_at timestamptz, started_at timestamptz, ended_at timestamptz)
    language sql stable security definer set search_path = public, pg_temp
    as $$
    select j.id, substr(j.task_name, 8), j.status::text, j.attempts, j.args - 'tenant_id', j.scheduled_at,
        (select min(e.at) from jobs.procrastinate_events e where e.job_id = j.id),
        (select max(e.at) from jobs.procrastinate_events e where e.job_id = j.id and e.type = 'started'),
        (select max(e.at) from jobs.procrastinate_events e where e.job_id = j.id
            and e.type in ('failed', 'succeeded', 'cancelled', 'aborted') and j.status not in ('todo', 'doing'))
    from jobs.procrastinate_jobs j
    where j.queue_name = 'tenant' and j.args ->> 'tenant_id' = app_tenant()::text and (before is null or j.id < before)
    order by j.id desc limit at_most $$;

-- A failed one once more; false: it is not there, not the tenant's, or has not failed.
create function retry_tenant_job(job bigint) returns boolean
    language plpgsql security definer set search_path = public, pg_temp
    as $$ begin
        perform from jobs.procrastinate_jobs j where j.id = job and j.queue_name = 'tenant' and j.status = 'failed'
            and j.args ->> 'tenant_id' = app_tenant()::text for update;
        if not found then
            return false;
        end if;
        perform jobs.procrastinate_retry_job_v2(job, now(), null, null, null);
        return true;
    end $$;
create index jobs_of_tenant on jobs.procrastinate_jobs ((args ->> 'tenant_id'), id) where queue_name = 'tenant';

grant create on schema public to simems_jobs;
do $$
declare
    f text;
begin
    foreach f in array array['enqueue_job(text, jsonb, timestamptz, text)', 'tenant_jobs(bigint, integer)',
        'retry_tenant_job(bigint)']
    loop
        execute format('revoke all on function %s from public', f);
        execute format('grant execute on function %s to simems_app, simems_worker', f);
        execute format('alter function %s owner to simems_jobs', f);
    end loop;
end $$;
revoke create on schema public from simems_jobs;
set role simems_jobs;
grant execute on function enqueue_job(text, jsonb, timestamptz, text), tenant_jobs(bigint, integer),
    retry_tenant_job(bigint) to simems_owner;
set role simems_owner;

-- What the worker reads besides, as one tenant at a time.
grant select on users, roles, role_permissions, role_grants, user_grants, org_nodes to simems_worker;
-- By its owner: who merely may run it cannot hand it on.
set role simems_audit;
grant execute on function append_audit(timestamptz, text, text, text, jsonb) to simems_worker;
set role simems_owner;

create function job_tenants() returns table (tenant_id uuid)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select t.tenant_id from public.tenants t where t.status = 'active' order by t.tenant_id $$;
revoke all on function job_tenants() from public;
grant execute on function job_tenants() to simems_worker;
grant create on schema public to simems_lookup;
alter function job_tenants() owner to simems_lookup;
revoke create on schema public from simems_lookup;

insert into permissions values
    ('jobs:read', 'See background jobs of the tenant'),
    ('jobs:write', 'Start failed background jobs again');
