-- name: sign_in_succeeded
select sign_in_succeeded($1)

-- name: user_by_email
select tenant_id, user_id, password_hash from user_by_email($1)

-- name: account
select u.user_id, u.email, u.password_hash, u.active, t.status, t.second_factor_required, f.sealed_secret, f.last_step,
    f.confirmed_at is not null as has_second_factor
from users u join tenants t on t.tenant_id = u.tenant_id
left join second_factors f on f.tenant_id = u.tenant_id and f.user_id = u.user_id
where u.user_id = $1
for update of u

-- name: me
select u.email, u.name, t.tenant_id, t.name as tenant_name, t.second_factor_required,
    exists (select from second_factors f where f.user_id = u.user_id and f.confirmed_at is not null) as second_factor,
    array(select distinct role from user_grants g where g.user_id = u.user_id order by role) as roles
from users u join tenants t on t.tenant_id = u.tenant_id
where u.user_id = $1

-- name: open_session
insert into sessions (tenant_id, user_id, method, client, expires_at)
values (app_tenant(), $1, $2, $3, now() + make_interval(secs => $4)) returning session_id

-- name: add_refresh_token
insert into refresh_tokens (tenant_id, token_hash, session_id) values (app_tenant(), $1, $2)

-- name: refresh_token
select r.session_id, r.used_at, s.user_id, u.email,
    s.revoked_at is null and s.expires_at > now() and u.active and t.status = 'active' as alive
from refresh_tokens r
join sessions s on s.tenant_id = r.tenant_id and s.session_id = r.session_id
join users u on u.tenant_id = s.tenant_id and u.user_id = s.user_id
join tenants t on t.tenant_id = r.tenant_id
where r.token_hash = $1
for update of r

-- name: use_refresh_token
update refresh_tokens set used_at = now() where token_hash = $1

-- name: session_used
update sessions set used_at = now() where session_id = $1

-- name: revoke_session
update sessions set revoked_at = now() where session_id = $1 and user_id = $2 and revoked_at is null
returning session_id

-- name: revoke_sessions
update sessions set revoked_at = now()
where user_id = $1 and revoked_at is null and session_id is distinct from $2
returning session_id

-- name: forget_sessions
delete from sessions where user_id = $1 and greatest(expires_at, coalesce(revoked_at, expires_at)) < now() - interval '30 days'

-- name: list_sessions
select session_id as id, method, client, created_at, used_at, expires_at
from sessions where user_id = $1 and revoked_at is null and expires_at > now()
order by used_at desc

-- name: create_tenant
insert into tenants (tenant_id, name) values ($1, $2)

-- name: list_tenants
select tenant_id, name, status, created_at from platform_tenants()

-- name: create_user
insert into users (tenant_id, email, name, password_hash) values (app_tenant(), $1, $2, $3) returning user_id

-- name: add_grant
insert into role_grants (tenant_id, user_id, role, node_id) values (app_tenant(), $1, $2, $3)

-- name: clear_grants
delete from role_grants where user_id = $1

-- name: grants_of
select role, node_id, path, permissions from user_grants where user_id = $1 order by role, path nulls first

-- name: node_path
select path::text from org_nodes where node_id = $1

-- name: other_admins
select exists (select from role_grants g join users u on u.tenant_id = g.tenant_id and u.user_id = g.user_id
    where g.role = 'tenant_admin' and g.node_id is null and u.active and g.user_id <> $1)

-- name: list_users
select u.user_id, u.email, u.name, u.active, u.created_at, u.version, t.name as tenant,
    array(select g.role || coalesce('@' || g.node_id, '') from role_grants g where g.user_id = u.user_id order by 1) as roles
from users u join tenants t on t.tenant_id = u.tenant_id
order by u.email

-- name: people
select u.user_id as id, u.email, u.name, u.active, u.created_at, u.version,
    exists (select from second_factors f where f.user_id = u.user_id and f.confirmed_at is not null) as second_factor,
    (select coalesce(jsonb_agg(jsonb_build_object('role', g.role, 'node_id', g.node_id) order by g.role, g.node_id), '[]')
        from role_grants g where g.user_id = u.user_id) as grants
from users u
where ($1::uuid is null or u.user_id = $1) and ($2::text is null or u.email > $2)
order by u.email
limit $3

-- name: lock_user
select user_id, email, name, active, version from users where user_id = $1 for update

-- name: update_user
update users set name = $2, active = $3, version = version + 1 where user_id = $1

-- name: deactivate_user
update users set active = false, version = version + 1 where user_id = $1

-- name: bump_user
update users set version = version + 1 where user_id = $1

-- name: set_password
update users set password_hash = $2, version = version + 1 where user_id = $1

-- name: roles
select r.role, r.description, r.version,
    array(select permission from role_permissions p where p.role = r.role order by 1) as permissions
from roles r where $1::text is null or r.role = $1
order by r.role

-- name: lock_role
select role, version from roles where role = $1 for update

-- name: add_role
insert into roles (tenant_id, role, description) values (app_tenant(), $1, $2)
on conflict (tenant_id, role) do nothing returning version

-- name: update_role
update roles set description = $2, version = version + 1 where role = $1 returning version

-- name: clear_role_permissions
delete from role_permissions where role = $1

-- name: add_role_permissions
insert into role_permissions (tenant_id, role, permission) select app_tenant(), $1, p from unnest($2::text[]) p

-- name: role_in_use
select exists (select from role_grants where role = $1)

-- name: delete_role
delete from roles where role = $1

-- name: put_second_factor
insert into second_factors (tenant_id, user_id, sealed_secret) values (app_tenant(), $1, $2)
on conflict (tenant_id, user_id) do update set sealed_secret = excluded.sealed_secret, last_step = 0
where second_factors.confirmed_at is null
returning true

-- name: confirm_second_factor
update second_factors set confirmed_at = coalesce(confirmed_at, now()), last_step = $2 where user_id = $1

-- name: take_step
update second_factors set last_step = $2 where user_id = $1

-- name: drop_second_factor
with codes as (delete from recovery_codes where user_id = $1)
delete from second_factors where user_id = $1 returning true

-- name: clear_recovery_codes
delete from recovery_codes where user_id = $1

-- name: add_recovery_codes
insert into recovery_codes (tenant_id, user_id, code_hash) select app_tenant(), $1, c from unnest($2::bytea[]) c

-- name: take_recovery_code
update recovery_codes set used_at = now() where user_id = $1 and code_hash = $2 and used_at is null returning true

-- name: add_invitation
insert into invitations (tenant_id, email, name, grants, token_hash, invited_by, expires_at)
values (app_tenant(), $1, $2, $3::jsonb, $4, $5, now() + make_interval(secs => $6))
returning invitation_id as id, email, name, grants, invited_by, created_at, expires_at

-- name: open_invitations
select invitation_id as id, email, name, grants, invited_by, created_at, expires_at
from invitations
where accepted_at is null and revoked_at is null and expires_at > now()
order by created_at desc

-- name: revoke_invitation
update invitations set revoked_at = now()
where invitation_id = $1 and accepted_at is null and revoked_at is null returning email, grants

-- name: invitation_by_token
select i.invitation_id, i.email, i.name, i.grants, i.invited_by
from invitations i join tenants t on t.tenant_id = i.tenant_id
where i.token_hash = $1 and i.accepted_at is null and i.revoked_at is null and i.expires_at > now()
    and t.status = 'active'
for update of i

-- name: accept_invitation
update invitations set accepted_at = now() where invitation_id = $1

-- name: add_api_token
insert into api_tokens (tenant_id, user_id, name, token_hash, permissions, expires_at)
values (app_tenant(), $1, $2, $3, $4, now() + make_interval(days => $5))
returning token_id as id, name, permissions, created_at, expires_at, used_at

-- name: api_tokens
select token_id as id, name, permissions, created_at, expires_at, used_at
from api_tokens where user_id = $1 and revoked_at is null order by created_at

-- name: revoke_api_token
update api_tokens set revoked_at = now() where token_id = $1 and user_id = $2 and revoked_at is null returning name

-- name: tenant
select tenant_id as id, name, status, second_factor_required, version, created_at from tenants
where tenant_id = app_tenant()

-- name: lock_tenant
select version from tenants where tenant_id = app_tenant() for update

-- name: update_tenant
update tenants set name = $1, second_factor_required = $2, version = version + 1 where tenant_id = app_tenant()

-- name: put_provider
insert into oidc_providers (tenant_id, provider, issuer, client_id, sealed_secret)
values (app_tenant(), $1, $2, $3, $4)
on conflict (tenant_id, provider) do update set
    issuer = excluded.issuer, client_id = excluded.client_id, sealed_secret = excluded.sealed_secret

-- name: providers
select provider, issuer, client_id from oidc_providers order by provider

-- name: drop_provider
delete from oidc_providers where provider = $1 returning provider

-- name: provider
select p.provider, p.issuer, p.client_id, p.sealed_secret from oidc_providers p
join tenants t on t.tenant_id = p.tenant_id
where p.provider = $1 and t.status = 'active'

-- name: begin_flow
with old as (delete from oidc_flows where expires_at < now())
insert into oidc_flows (tenant_id, state_hash, provider, sealed, expires_at)
values (app_tenant(), $1, $2, $3, now() + interval '10 minutes')

-- name: end_flow
delete from oidc_flows where state_hash = $1 and expires_at > now() returning provider, sealed

-- name: linked_user
select u.user_id, u.email from oidc_links l join users u on u.tenant_id = l.tenant_id and u.user_id = l.user_id
where l.provider = $1 and l.subject = $2 and u.active

-- name: active_user_by_email
select user_id, email from users where email = lower($1) and active

-- name: link_user
insert into oidc_links (tenant_id, provider, subject, user_id) values (app_tenant(), $1, $2, $3)
