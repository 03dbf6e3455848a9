-- name: append
select append_audit(coalesce($1, now()), $2, $3, $4, $5::jsonb)

-- name: list_entries
select serial, at, actor, action, object, details, encode(hash, 'hex') as hash
from audit_log
where ($1::bigint is null or serial < $1)
    and ($2::text is null or actor = $2)
    and ($3::text is null or action = $3 or action like replace(replace($3, '\', '\\'), '_', '\_') || '.%')
    and ($4::text is null or object = $4)
    and ($5::timestamptz is null or at >= $5)
    and ($6::timestamptz is null or at < $6)
order by serial desc
limit $7

-- name: chains
select tenant_id from audit_chains()

-- name: head
select serial, hash from audit_heads where tenant_id = app_tenant()

-- name: entries_after
select tenant_id, serial, (extract(epoch from at) * 1000000)::bigint as at_us, actor, action, object,
    details::text as details, previous, hash
from audit_log
where tenant_id = app_tenant() and serial > $1
order by serial
limit $2
