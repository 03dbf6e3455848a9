-- name: lock_claim
select c.state, c.public_key, c.reason, d.revoked_at is not null as revoked
from device_claims c left join devices d on d.tenant_id = c.tenant_id and d.device_id = c.device_id
where c.claim_id = $1 for update of c

-- name: present_claim
update device_claims set state = 'presented', public_key = $2, signing_key = $3, software = $4, vendor = $5, model = $6,
    serial_number = $7, presented_at = now()
where claim_id = $1

-- name: signing_key_stays
update devices set next_signing_key = ''
where device_id = $1 and next_public_key = $2 and next_signing_key <> $3 and signing_key = $3

-- name: promote_key
update devices set public_key = $2, next_public_key = null, key_changed_at = now()
where device_id = $1 and next_public_key = $2 and public_key <> $2
returning name

-- name: announce_key
update devices set next_public_key = $3, next_signing_key = $4
where device_id = $1 and public_key = $2 and revoked_at is null
returning true

-- name: keys_taken
select keys_taken($1, $2)

-- name: signing_key
update devices set signing_key = $2 where device_id = $1 and signing_key = ''

-- name: claim_signing_key_of
select claim_signing_key from device_claims where claim_id = $1 and expires_at > now()

-- name: signing_key_of
select case when public_key <> $2 and next_signing_key <> '' then next_signing_key else signing_key end
from devices where device_id = $1 and (public_key = $2 or next_public_key = $2) and revoked_at is null
