-- name: quarter_hours
select c.address, r.start_at as start,
    r.positive_sum / r.count * bit_count(r.minutes_seen::bit(15)) / 60.0 as positive_wh,
    (r.sum - r.positive_sum) / r.count * bit_count(r.minutes_seen::bit(15)) / 60.0 as negative_wh,
    r.minimum, r.maximum, bit_count(r.minutes_seen::bit(15))::int as minutes, r.energy_wh, r.gap_wh, r.resets
from rollup_15min r join channels c on c.tenant_id = r.tenant_id and c.channel_id = r.channel_id
where c.site_id = $1 and c.address = any ($2::text[]) and r.start_at >= $3 and r.start_at < $4
order by r.start_at

-- name: capacity
select r.last_value
from rollup_15min r join channels c on c.tenant_id = r.tenant_id and c.channel_id = r.channel_id
where c.site_id = $1 and c.address = $2 and r.start_at >= $3 and r.start_at < $4
order by r.start_at desc limit 1

-- name: sites_below
select s.site_id, n.name, coalesce(f.time_zone, s.time_zone) as time_zone,
    coalesce((select jsonb_agg(jsonb_build_array(c.component_id, c.kind) order by c.position)
        from components c where c.site_id = s.site_id), '[]')::text as components,
    coalesce((select c.labels from channels c where c.site_id = s.site_id and c.address = 'site/state'), '{}')::text as labels
from org_nodes n join sites s on s.site_id = n.site_id left join site_facts f on f.site_id = s.site_id
where n.path <@ (select path from org_nodes where node_id = $1) and n.archived_at is null
order by n.name, s.site_id

-- name: alarms
select severity, count(*)::int as count from alarms
where site_id = any ($1::text[]) and raised_at >= $2 and raised_at < $3
group by severity order by severity

-- name: node
select node_id, name, kind, path::text as path, archived_at is not null as archived from org_nodes where node_id = $1

-- name: add_report
insert into reports (tenant_id, node_id, period, starts_on, ends_on, time_zone, created_by, schedule_id)
values (app_tenant(), $1, $2, $3, $4, $5, $6, $7)
on conflict (tenant_id, schedule_id, starts_on) do nothing
returning report_id

-- name: report
select r.report_id as id, r.node_id, n.name as node_name, r.period, r.starts_on, r.ends_on, r.time_zone, r.state, r.error,
    r.inputs_hash, r.engine, r.created_by, r.created_at, r.made_at, r.schedule_id,
    coalesce((select jsonb_object_agg(f.format, f.sha256) from report_files f where f.report_id = r.report_id), '{}')::text
        as files
from reports r join org_nodes n on n.node_id = r.node_id
where r.report_id = $1 and ($2::text[] is null or n.path <@ any ($2::text[]::ltree[]))

-- name: list_reports
select r.report_id as id, r.node_id, n.name as node_name, r.period, r.starts_on, r.ends_on, r.time_zone, r.state, r.error,
    r.inputs_hash, r.engine, r.created_by, r.created_at, r.made_at, r.schedule_id,
    coalesce((select jsonb_object_agg(f.format, f.sha256) from report_files f where f.report_id = r.report_id), '{}')::text
        as files
from reports r join org_nodes n on n.node_id = r.node_id
where ($1::text[] is null or n.path <@ any ($1::text[]::ltree[])) and ($2::uuid is null or r.node_id = $2)
    and ($3::timestamptz is null or (r.created_at, r.report_id) < ($3, $4))
order by r.created_at desc, r.report_id desc limit $5

-- name: inputs
select inputs, inputs_hash, engine from reports where report_id = $1 and state = 'ready'

-- name: to_make
select report_id, node_id, period, starts_on, ends_on, time_zone, created_by from reports
where report_id = $1 and state <> 'ready' for update

-- name: made
update reports set state = 'ready', error = '', inputs = $2, inputs_hash = $3, engine = $4, made_at = now()
where report_id = $1

-- name: failed
update reports set state = 'failed', error = $2 where report_id = $1 and state <> 'ready'

-- name: drop_files
delete from report_files where report_id = $1

-- name: add_file
insert into report_files (tenant_id, report_id, format, sha256, content) values (app_tenant(), $1, $2, $3, $4)

-- name: file
select sha256, content from report_files where report_id = $1 and format = $2

-- name: files
select format, sha256 from report_files where report_id = $1

-- name: delete_report
delete from reports r using org_nodes n
where r.report_id = $1 and n.node_id = r.node_id and ($2::text[] is null or n.path <@ any ($2::text[]::ltree[]))
returning r.node_id, r.period, r.starts_on

-- name: schedules
select s.schedule_id as id, s.node_id, n.name as node_name, s.period, s.time_zone, s.due_hour, s.active, s.version,
    s.created_by, s.created_at
from report_schedules s join org_nodes n on n.node_id = s.node_id
where ($1::text[] is null or n.path <@ any ($1::text[]::ltree[])) and ($2::uuid is null or s.schedule_id = $2)
order by n.name, s.period, s.schedule_id limit 1000

-- name: active_schedules
select s.schedule_id, s.node_id, s.period, s.time_zone, s.due_hour, s.created_at
from report_schedules s join org_nodes n on n.node_id = s.node_id
where s.active and n.archived_at is null

-- name: lock_schedule
select version from report_schedules where schedule_id = $1 for update

-- name: add_schedule
insert into report_schedules (tenant_id, node_id, period, time_zone, due_hour, active, created_by)
values (app_tenant(), $1, $2, $3, $4, $5, $6) returning schedule_id

-- name: update_schedule
update report_schedules set node_id = $2, period = $3, time_zone = $4, due_hour = $5, active = $6, version = version + 1
where schedule_id = $1

-- name: delete_schedule
delete from report_schedules where schedule_id = $1 returning node_id
