-- name: begin_sign_in
select begin_sign_in($1, $2, $3)

-- name: sign_in_succeeded
select sign_in_succeeded($1)

-- name: user_by_email
select tenant_id, user_id, password_hash from user_by_email($1)

-- name: me
select u.email, u.name, u.role, t.tenant_id, t.name as tenant_name
from users u join tenants t on t.tenant_id = u.tenant_id
where u.user_id = $1

-- name: create_tenant
insert into tenants (tenant_id, name) values ($1, $2)

-- name: list_tenants
select tenant_id, name, created_at from platform_tenants()

-- name: create_user
insert into users (tenant_id, email, name, role, password_hash)
values (app_tenant(), $1, $2, $3, $4) returning user_id

-- name: list_users
select u.user_id, u.email, u.name, u.role, u.active, u.created_at, t.name as tenant
from users u join tenants t on t.tenant_id = u.tenant_id
order by u.email
