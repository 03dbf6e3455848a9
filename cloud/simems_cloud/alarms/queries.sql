-- name: list_alarms
select alarm_id::text as id, site_id, origin, code, severity, component, text, cause, effect, remedy, raised_at,
    cleared_at, acknowledged_at, acknowledged_by, escalated_at, rule_id, value,
    (select max(s.until) from alarm_silences s where s.ended_at is null and s.until > now()
        and (s.site_id is null or s.site_id = alarms.site_id) and alarms.code like replace(replace(s.code, '_', '\_'), '*', '%')
        and alarms.component like replace(replace(s.component, '_', '\_'), '*', '%')) as silenced_until
from alarms
where ($1::text is null or site_id = $1) and ($2::boolean is null or (cleared_at is null) = $2)
    and ($4::text[] is null or site_id in (
        select n.site_id from org_nodes n where n.path <@ any ($4::text[]::ltree[])))
    and ($5::boolean is null or (cleared_at is not null) > $5
        or ((cleared_at is not null) = $5 and (raised_at, alarm_id) < ($6::timestamptz, $7::uuid)))
order by cleared_at is not null, raised_at desc, alarm_id desc
limit $3

-- name: acknowledge
update alarms set
    acknowledged_at = coalesce(acknowledged_at, now()),
    acknowledged_by = case when acknowledged_at is null then $2 else acknowledged_by end
where alarm_id = $1
    and ($3::text[] is null or site_id in (
        select n.site_id from org_nodes n where n.path <@ any ($3::text[]::ltree[])))
returning alarm_id::text as id, site_id, origin, code, severity, component, text, cause, effect, remedy, raised_at,
    cleared_at, acknowledged_at, acknowledged_by, escalated_at, rule_id, value,
    (select max(s.until) from alarm_silences s where s.ended_at is null and s.until > now()
        and (s.site_id is null or s.site_id = alarms.site_id) and alarms.code like replace(replace(s.code, '_', '\_'), '*', '%')
        and alarms.component like replace(replace(s.component, '_', '\_'), '*', '%')) as silenced_until

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
on conflict (tenant_id, device_id, code) where origin = 'cloud' and rule_id is null and cleared_at is null do nothing
returning alarm_id

-- name: clear_own
update alarms set cleared_at = now()
where device_id = $1 and code = $2 and origin = 'cloud' and rule_id is null and cleared_at is null
returning alarm_id

-- name: watch_devices
select tenant_id, device_id, site_id, silent, last_frame_at from silent_devices($1)

-- name: watch_turn
select pg_try_advisory_xact_lock(7700002)

-- name: notify
select pg_notify('simems_live', $1)

-- name: rules
select rule_id, name, kind, site_id, component_kind, channel, low, threshold, hysteresis, for_s, severity,
    escalate_after_s, remedy, active, version
from alarm_rules order by name, rule_id

-- name: sampled
select r.rule_id, c.site_id, c.address, c.unit, l.value, l.value_at, l.quality, d.device_id,
    d.last_frame_at >= now() - make_interval(secs => $6) as talks, s.since, a.alarm_id is not null as standing
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::float8[]) as r (rule_id, pattern, kind, site_id, for_s)
join channels c on c.announced and c.address like r.pattern and (r.site_id = '' or c.site_id = r.site_id)
left join latest l on l.tenant_id = c.tenant_id and l.channel_id = c.channel_id
join lateral (select device_id, last_frame_at from devices where site_id = c.site_id and revoked_at is null
    order by last_frame_at desc nulls last limit 1) d on true
left join alarm_rule_states s on s.rule_id = r.rule_id and s.site_id = c.site_id and s.address = c.address
left join alarms a on a.rule_id = r.rule_id and a.site_id = c.site_id and a.address = c.address and a.cleared_at is null
where (r.kind = '' or exists (select from components k where k.site_id = c.site_id
        and k.component_id = split_part(c.address, '/', 1) and k.kind = r.kind))
    and not exists (select from org_nodes n where n.site_id = c.site_id and n.archived_at is not null)
order by r.rule_id, c.site_id, c.address

-- name: minutes
select r.rule_id, c.site_id, c.address, c.unit, d.device_id, a.alarm_id is not null as standing, m.*
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::float8[]) as r (rule_id, pattern, kind, site_id, for_s)
join channels c on c.announced and c.address like r.pattern and (r.site_id = '' or c.site_id = r.site_id)
join lateral (select device_id from devices where site_id = c.site_id and revoked_at is null
    order by last_frame_at desc nulls last limit 1) d on true
join lateral (select count(*)::int as minutes, min(minimum) as minimum, max(maximum) as maximum,
        max(maximum - minimum) as swing, greatest(max(first_value - last_value), 0) as backwards
    from rollup_1min m where m.channel_id = c.channel_id and m.start_at < date_trunc('minute', $6::timestamptz)
        and m.start_at >= date_trunc('minute', $6::timestamptz) - make_interval(secs => greatest(r.for_s, 300))) m on true
left join alarms a on a.rule_id = r.rule_id and a.site_id = c.site_id and a.address = c.address and a.cleared_at is null
where (r.kind = '' or exists (select from components k where k.site_id = c.site_id
        and k.component_id = split_part(c.address, '/', 1) and k.kind = r.kind))
    and not exists (select from org_nodes n where n.site_id = c.site_id and n.archived_at is not null)
order by r.rule_id, c.site_id, c.address

-- name: site_plants
select s.site_id, d.device_id,
    coalesce((select jsonb_agg(jsonb_build_array(c.component_id, c.kind) order by c.position)
        from components c where c.site_id = s.site_id), '[]')::text as components,
    coalesce((select jsonb_object_agg(m.address, m.mean) from (
        select c.address, sum(r.sum) / sum(r.count) as mean from channels c
        join rollup_1min r on r.tenant_id = c.tenant_id and r.channel_id = c.channel_id
        where c.site_id = s.site_id and c.address like '%/%power\_w' and r.start_at < date_trunc('minute', $2::timestamptz)
            and r.start_at >= date_trunc('minute', $2::timestamptz) - make_interval(secs => $1)
        group by c.address having count(*) * 60 >= 0.9 * $1) m), '{}')::text as means,
    (select a.alarm_id from alarms a where a.rule_id = $3 and a.site_id = s.site_id and a.cleared_at is null) as standing
from sites s
join lateral (select device_id from devices where site_id = s.site_id and revoked_at is null
    order by last_frame_at desc nulls last limit 1) d on true
where ($4::text is null or s.site_id = $4)
order by s.site_id

-- name: raise_by_rule
insert into alarms (tenant_id, site_id, device_id, origin, event_id, code, severity, component, text, cause, effect,
    remedy, raised_at, rule_id, address, value)
values (app_tenant(), $1, $2, 'cloud', gen_random_uuid()::text, $3, $4, $5, $6, $7, '', $8, $9, $10, $11, $12)
on conflict (tenant_id, rule_id, site_id, address) where rule_id is not null and cleared_at is null do nothing
returning alarm_id

-- name: clear_by_rule
update alarms set cleared_at = now() where rule_id = $1 and site_id = $2 and address = $3 and cleared_at is null
returning alarm_id

-- name: clear_rule
update alarms set cleared_at = now() where rule_id = $1 and cleared_at is null returning site_id

-- name: forget_states
delete from alarm_rule_states where rule_id = $1

-- name: keep_states
insert into alarm_rule_states (tenant_id, rule_id, site_id, address, seen_at, since)
select app_tenant(), r, s, a, now(), t from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) as n (r, s, a, t)
on conflict (tenant_id, rule_id, site_id, address) do update set seen_at = now(), since = excluded.since

-- name: weigh_events
update alarms set severity = $2
where origin = 'edge' and cleared_at is null and code like $1 and severity <> $2 and escalated_at is null
    and ($3::text is null or site_id = $3)
    and ($4 = '' or exists (select from components k where k.site_id = alarms.site_id
        and k.component_id = alarms.component and k.kind = $4))
returning site_id

-- name: escalate_rule
update alarms set escalated_at = now(), severity = 'alarm'
where rule_id = $1 and cleared_at is null and acknowledged_at is null and escalated_at is null
    and raised_at < now() - make_interval(secs => $2)
returning site_id

-- name: escalate_events
update alarms set escalated_at = now(), severity = 'alarm'
where origin = 'edge' and code like $3 and cleared_at is null and acknowledged_at is null and escalated_at is null
    and raised_at < now() - make_interval(secs => $2) and ($4::text is null or site_id = $4) and $1::uuid is not null
returning site_id

-- name: put_rule
insert into alarm_rules as r (tenant_id, rule_id, name, kind, site_id, component_kind, channel, low, threshold, hysteresis,
    for_s, severity, escalate_after_s, remedy, active)
values (app_tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
on conflict (tenant_id, rule_id) do update set name = excluded.name, kind = excluded.kind, site_id = excluded.site_id,
    component_kind = excluded.component_kind, channel = excluded.channel, low = excluded.low,
    threshold = excluded.threshold, hysteresis = excluded.hysteresis, for_s = excluded.for_s,
    severity = excluded.severity, escalate_after_s = excluded.escalate_after_s, remedy = excluded.remedy,
    active = excluded.active, version = r.version + 1

-- name: lock_rule
select version from alarm_rules where rule_id = $1 for update

-- name: delete_rule
delete from alarm_rules where rule_id = $1 returning name

-- name: alarm_place
select site_id, code, component, severity from alarms
where alarm_id = $1
    and ($2::text[] is null or site_id in (
        select n.site_id from org_nodes n where n.path <@ any ($2::text[]::ltree[])))

-- name: comment
insert into alarm_changes (tenant_id, alarm_id, site_id, kind, severity, actor, text, told_at)
values (app_tenant(), $1, $2, 'commented', $3, $4, $5, now())
returning change_id as id, kind, severity, at, actor, text

-- name: changes
select change_id as id, kind, severity, at, actor, text from alarm_changes
where alarm_id = $1 and ($2::bigint is null or change_id > $2) order by change_id limit $3

-- name: add_silence
insert into alarm_silences (tenant_id, site_id, code, component, until, reason, created_by)
values (app_tenant(), $1, $2, $3, $4, $5, $6)
returning silence_id as id, site_id, code, component, until, reason, created_by, created_at, ended_at

-- name: silences
select silence_id as id, site_id, code, component, until, reason, created_by, created_at, ended_at
from alarm_silences
where ($1::boolean or (ended_at is null and until > now()))
    and ($2::text[] is null or site_id in (select n.site_id from org_nodes n where n.path <@ any ($2::text[]::ltree[])))
    and ($3::timestamptz is null or (created_at, silence_id) < ($3, $4))
order by created_at desc, silence_id desc limit $5

-- name: end_silence
update alarm_silences set ended_at = coalesce(ended_at, now())
where silence_id = $1
    and ($2::text[] is null or site_id in (select n.site_id from org_nodes n where n.path <@ any ($2::text[]::ltree[])))
returning silence_id as id, site_id, code, component, until, reason, created_by, created_at, ended_at
