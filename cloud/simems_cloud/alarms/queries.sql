-- name: list_alarms
select alarm_id::text as id, site_id, origin, code, severity, component, text, cause, effect, remedy, raised_at,
    cleared_at, acknowledged_at, acknowledged_by
from alarms
where ($1::text is null or site_id = $1) and ($2::boolean is null or (cleared_at is null) = $2)
    and ($4::text[] is null or site_id in (
        select n.site_id from org_nodes n where n.path <@ any ($4::text[]::ltree[])))
order by cleared_at is not null, raised_at desc
limit $3

-- name: acknowledge
update alarms set
    acknowledged_at = coalesce(acknowledged_at, now()),
    acknowledged_by = case when acknowledged_at is null then $2 else acknowledged_by end
where alarm_id = $1
    and ($3::text[] is null or site_id in (
        select n.site_id from org_nodes n where n.path <@ any ($3::text[]::ltree[])))
returning alarm_id::text as id, site_id, origin, code, severity, component, text, cause, effect, remedy, raised_at,
    cleared_at, acknowledged_at, acknowledged_by

-- name: raised
insert into alarms as a (tenant_id, site_id, device_id, origin, event_id, code, severity, component, text, cause,
    effect, remedy, raised_at)
values (app_tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (tenant_id, device_id, origin, event_id) do update set
    severity = excluded.severity, text = excluded.text, cause = excluded.cause, effect = excluded.effect,
    remedy = excluded.remedy, raised_at = least(a.raised_at, excluded.raised_at)

-- name: cleared
insert into alarms as a (tenant_id, site_id, device_id, origin, event_id, code, severity, component, text, cause,
    effect, remedy, raised_at, cleared_at)
values (app_tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
on conflict (tenant_id, device_id, origin, event_id) do update set
    cleared_at = coalesce(a.cleared_at, excluded.cleared_at)

-- name: acknowledged
update alarms set acknowledged_at = $4, acknowledged_by = $5
where device_id = $1 and origin = $2 and event_id = $3 and acknowledged_at is null

-- name: raise_own
insert into alarms (tenant_id, site_id, device_id, origin, event_id, code, severity, component, text, cause, effect,
    remedy, raised_at)
values (app_tenant(), $1, $2, 'cloud', gen_random_uuid()::text, $3, $4, $5, $6, $7, $8, $9, now())
on conflict (tenant_id, device_id, code) where origin = 'cloud' and cleared_at is null do nothing
returning alarm_id

-- name: clear_own
update alarms set cleared_at = now()
where device_id = $1 and code = $2 and origin = 'cloud' and cleared_at is null
returning alarm_id

-- name: watch_devices
select tenant_id, device_id, site_id, silent, last_frame_at from silent_devices($1)

-- name: watch_turn
select pg_try_advisory_xact_lock(7700002)

-- name: notify
select pg_notify('simems_live', $1)
