-- name: by_session
select u.email, u.name,
    t.second_factor_required and not exists (
        select from second_factors f where f.user_id = u.user_id and f.confirmed_at is not null) as must_enrol,
    (select coalesce(jsonb_agg(jsonb_build_array(g.role, g.permissions, g.path, g.node_id)), '[]')
        from user_grants g where g.user_id = u.user_id) as grants
from sessions s
join users u on u.tenant_id = s.tenant_id and u.user_id = s.user_id
join tenants t on t.tenant_id = s.tenant_id
where s.session_id = $1 and s.user_id = $2 and s.revoked_at is null and s.expires_at > now() and u.active
    and t.status = 'active'

-- name: by_token
select u.user_id, u.email, u.name, k.name as token_name, k.token_id, k.permissions, k.expires_at,
    k.used_at is null or k.used_at < now() - interval '1 minute' as unseen,
    t.second_factor_required and not exists (
        select from second_factors f where f.user_id = u.user_id and f.confirmed_at is not null) as must_enrol,
    (select coalesce(jsonb_agg(jsonb_build_array(g.role, g.permissions, g.path, g.node_id)), '[]')
        from user_grants g where g.user_id = u.user_id) as grants
from api_tokens k
join users u on u.tenant_id = k.tenant_id and u.user_id = k.user_id
join tenants t on t.tenant_id = k.tenant_id
where k.token_hash = $1 and k.revoked_at is null and k.expires_at > now() and u.active and t.status = 'active'

-- name: token_seen
update api_tokens set used_at = now() where token_id = $1

-- name: begin_attempt
select begin_sign_in($1, $2, $3)

-- name: take_turn
select take_turn($1, $2)
