-- name: device_of
select d.device_id, d.command_counter from devices d
where d.site_id = $1 and d.revoked_at is null and ($2::uuid is null or d.device_id = $2)
order by d.last_seen_at desc nulls last, d.created_at desc limit 1
for update

-- name: count_up
update devices set command_counter = command_counter + 1 where device_id = $1 returning command_counter

-- name: newest_key
select public_key, sealed_secret, number, old_until_us, created_at from command_keys order by number desc limit 1

-- name: add_key
insert into command_keys (tenant_id, public_key, sealed_secret, number, old_key, old_until_us, signature)
values (app_tenant(), $1, $2, $3, $4, $5, $6)

-- name: forget_secrets
update command_keys set sealed_secret = null where number < $1 and sealed_secret is not null

-- name: key_changes
select number, old_key, public_key as new_key, old_until_us, signature from command_keys
where number > (select max(number) from command_keys where signature is null)
order by number

-- name: keys_of_devices
select device_id, name, site_id, command_key, command_key_trouble from devices
where revoked_at is null order by name, device_id

-- name: key_taken
update devices set command_key = $2, command_key_trouble = $3
where device_id = $1 and (command_key, command_key_trouble) is distinct from ($2, $3)

-- name: lock_tenant
select 1 from tenants where tenant_id = app_tenant() for share

-- name: add_command
insert into commands (tenant_id, command_id, device_id, site_id, batch_id, counter, kind, payload, payload_hash, key,
    signature, not_before, expires_at, requested_by)
values (app_tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'epoch'::timestamptz + $11::bigint * interval '1 us',
    'epoch'::timestamptz + $12::bigint * interval '1 us', $13)

-- name: commands
select c.command_id as id, c.site_id, c.device_id, c.batch_id, c.counter, c.kind, c.payload, c.state, c.reason,
    c.requested_by, c.created_at, c.not_before, c.expires_at, c.sent_at, c.decided_at,
    exists (select from command_results r where r.tenant_id = c.tenant_id and r.command_id = c.command_id) as has_result
from commands c
where ($1::text is null or c.site_id = $1) and ($2::uuid is null or c.command_id = $2)
    and ($3::uuid is null or c.batch_id = $3)
    and ($4::text[] is null or c.site_id in (select n.site_id from org_nodes n where n.path <@ any ($4::text[]::ltree[])))
    and ($5::timestamptz is null or (c.created_at, c.command_id) < ($5, $6::uuid))
    and ($8::text[] is null or c.state = any ($8))
order by c.created_at desc, c.command_id desc
limit $7

-- name: expire_unsent
update commands set state = 'expired', reason = 'it was not sent in its time: the device did not connect',
    decided_at = expires_at
where state = 'queued' and expires_at <= now() and ($1::uuid is null or device_id = $1)

-- name: result
select content from command_results where command_id = $1

-- name: acks
select status, reason, at, received_at from command_acks where command_id = $1 order by received_at, at

-- name: open_commands
select command_id, device_id, counter, kind, payload, encode(payload_hash, 'hex') as payload_sha256, key,
    encode(signature, 'hex') as signature, requested_by,
    (extract(epoch from not_before) * 1000000)::bigint as not_before_us,
    (extract(epoch from expires_at) * 1000000)::bigint as expires_us
from commands where device_id = $1 and state in ('queued', 'sent', 'accepted') order by counter limit 100

-- name: mark_sent
update commands set state = 'sent', sent_at = now() where command_id = any ($1) and state = 'queued'

-- name: welcome
select k.public_key as key, k.number, coalesce(
        (select min(counter) - 1 from commands where device_id = $1 and state = 'queued'), d.command_counter) as counter,
    exists (select from commands where device_id = $1 and state in ('queued', 'sent', 'accepted')) as open
from devices d left join lateral (select public_key, number from command_keys order by number desc limit 1) k on true
where d.device_id = $1

-- name: apply_ack
update commands set state = $3, reason = $4, sent_at = coalesce(sent_at, now()),
    decided_at = case when $3 = 'accepted' then null else now() end
where command_id = $1 and device_id = $2 and state in ('queued', 'sent', 'accepted')
returning site_id

-- name: add_ack
insert into command_acks (tenant_id, command_id, at, status, reason) values (app_tenant(), $1, $2, $3, $4)
on conflict (tenant_id, command_id, at) do nothing

-- name: add_result
insert into command_results (tenant_id, command_id, content) values (app_tenant(), $1, $2)
on conflict (tenant_id, command_id) do nothing
