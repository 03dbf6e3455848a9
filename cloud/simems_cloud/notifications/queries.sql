-- name: untold
select c.change_id, c.tenant_id, c.kind, c.severity, c.at, a.alarm_id, a.site_id, s.name as site_name, a.code, a.component,
    a.text, a.cause, a.effect, a.remedy, a.value, a.raised_at, a.cleared_at,
    coalesce(f.time_zone, s.time_zone) as time_zone,
    (select n.path::text from org_nodes n where n.site_id = a.site_id) as path,
    h.silenced
from alarm_changes c join alarms a on a.alarm_id = c.alarm_id join sites s on s.site_id = a.site_id
left join site_facts f on f.site_id = s.site_id
cross join lateral (select exists (select from alarm_silences i where i.ended_at is null and i.until > now()
        and (i.site_id is null or i.site_id = a.site_id)
        and a.code like replace(replace(i.code, '_', '\_'), '*', '%')
        and a.component like replace(replace(i.component, '_', '\_'), '*', '%')) as silenced) h
where c.told_at is null and (a.cleared_at is not null or not h.silenced)
order by c.change_id limit $1
for update of c skip locked

-- name: told
update alarm_changes set told_at = now() where change_id = any ($1::bigint[])

-- name: audience
select s.subscription_id, s.webhook_id, s.site_id, s.minimum_severity, s.escalations_only, s.tell_cleared, s.quiet_from,
    s.quiet_to, s.time_zone, s.alarms_break_quiet, u.email, w.url,
    coalesce((select jsonb_agg(jsonb_build_array(g.role, g.permissions, g.path, g.node_id)) from user_grants g
        where g.user_id = u.user_id), '[]')::text as grants
from notification_subscriptions s
left join users u on u.active and (u.user_id = s.user_id or exists (
    select from role_grants g where g.user_id = u.user_id and g.role = s.role))
left join webhooks w on w.webhook_id = s.webhook_id and w.active
where s.active and (u.user_id is not null or w.webhook_id is not null)

-- name: add_delivery
insert into notification_deliveries (tenant_id, change_id, subscription_id, webhook_id, method, recipient, subject, body,
    next_attempt_at)
values (app_tenant(), $1, $2, $3, $4, $5, $6, $7::jsonb, coalesce($8, now()))
on conflict (tenant_id, change_id, method, recipient) do nothing
returning delivery_id

-- name: claim
update notification_deliveries d set attempts = d.attempts + 1, next_attempt_at = now() + make_interval(secs => $2)
from (select delivery_id from notification_deliveries where state = 'waiting' and next_attempt_at <= now()
    order by next_attempt_at limit $1 for update skip locked) due
where d.delivery_id = due.delivery_id
returning d.delivery_id, d.change_id, d.method, d.recipient, d.subject, d.body::text as body, d.attempts, d.created_at,
    (select w.url from webhooks w where w.webhook_id = d.webhook_id) as url,
    (select w.sealed_secret from webhooks w where w.webhook_id = d.webhook_id) as sealed_secret

-- name: delivered
update notification_deliveries set state = 'delivered', delivered_at = now(), last_error = '' where delivery_id = $1

-- name: not_delivered
update notification_deliveries set last_error = $2, next_attempt_at = now() + make_interval(secs => $3),
    state = case when created_at < now() - make_interval(secs => $4) then 'failed' else 'waiting' end
where delivery_id = $1 and state = 'waiting'

-- name: drop_cleared
update notification_deliveries d set state = 'dropped', last_error = 'cleared before the quiet hours ended'
from alarm_changes c join alarms a on a.alarm_id = c.alarm_id
where c.change_id = d.change_id and d.state = 'waiting' and d.attempts = 0 and a.cleared_at is not null
    and d.next_attempt_at <= now() and d.next_attempt_at > d.created_at + interval '1 minute'

-- name: deliveries
select d.delivery_id as id, d.method, d.recipient, d.subject, d.state, d.attempts, d.next_attempt_at, d.created_at,
    d.delivered_at, d.last_error, d.subscription_id,
    (select c.alarm_id from alarm_changes c where c.change_id = d.change_id) as alarm_id
from notification_deliveries d
where ($1::text is null or d.state = $1)
    and ($2::timestamptz is null or (d.created_at, d.delivery_id) < ($2, $3))
order by d.created_at desc, d.delivery_id desc limit $4

-- name: delivery
select d.delivery_id as id, d.method, d.recipient, d.subject, d.state, d.attempts, d.next_attempt_at, d.created_at,
    d.delivered_at, d.last_error, d.subscription_id,
    (select c.alarm_id from alarm_changes c where c.change_id = d.change_id) as alarm_id
from notification_deliveries d where d.delivery_id = $1

-- name: send_again
update notification_deliveries set state = 'waiting', next_attempt_at = now(), created_at = now()
where delivery_id = $1 and state in ('failed', 'dropped') returning delivery_id

-- name: webhooks
select webhook_id as id, name, url, active, version, created_at from webhooks order by name limit 200

-- name: webhook
select webhook_id as id, name, url, active, version, created_at from webhooks where webhook_id = $1

-- name: add_webhook
insert into webhooks (tenant_id, name, url, sealed_secret, active) values (app_tenant(), $1, $2, $3, $4)
returning webhook_id

-- name: update_webhook
update webhooks set name = $2, url = $3, active = $4, version = version + 1 where webhook_id = $1

-- name: delete_webhook
delete from webhooks where webhook_id = $1 returning name

-- name: lock_webhook
select version from webhooks where webhook_id = $1 for update

-- name: subscriptions
select subscription_id as id, user_id, role, webhook_id, site_id, minimum_severity, escalations_only, tell_cleared,
    quiet_from, quiet_to, time_zone, alarms_break_quiet, active, version
from notification_subscriptions where ($1::uuid is null or user_id = $1) order by created_at, subscription_id limit 1000

-- name: subscription
select subscription_id as id, user_id, role, webhook_id, site_id, minimum_severity, escalations_only, tell_cleared,
    quiet_from, quiet_to, time_zone, alarms_break_quiet, active, version
from notification_subscriptions where subscription_id = $1 and ($2::uuid is null or user_id = $2)

-- name: lock_subscription
select version from notification_subscriptions where subscription_id = $1 and ($2::uuid is null or user_id = $2) for update

-- name: add_subscription
insert into notification_subscriptions (tenant_id, user_id, role, webhook_id, site_id, minimum_severity, escalations_only,
    tell_cleared, quiet_from, quiet_to, time_zone, alarms_break_quiet, active)
values (app_tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
returning subscription_id

-- name: update_subscription
update notification_subscriptions set user_id = $2, role = $3, webhook_id = $4, site_id = $5, minimum_severity = $6,
    escalations_only = $7, tell_cleared = $8, quiet_from = $9, quiet_to = $10, time_zone = $11, alarms_break_quiet = $12,
    active = $13, version = version + 1
where subscription_id = $1

-- name: delete_subscription
delete from notification_subscriptions where subscription_id = $1 and ($2::uuid is null or user_id = $2)
returning subscription_id

-- name: user_email
select email from users where user_id = $1 and active
