-- name: list_tenants
select tenant_id as id, name, status, created_at from platform_tenants()

-- name: create_tenant
insert into tenants (tenant_id, name) values ($1, $2) returning tenant_id as id, name, status, created_at

-- name: lock_tenant
select tenant_id as id, name, status, created_at from tenants where tenant_id = app_tenant() for update

-- name: set_status
update tenants set status = $1, version = version + 1 where tenant_id = app_tenant()

-- name: add_invitation
insert into invitations (tenant_id, email, grants, token_hash, invited_by, expires_at)
values (app_tenant(), $1, '[{"role": "tenant_admin", "node_id": null}]', $2, $3, now() + interval '7 days')

-- name: deleting_tenants
select tenant_id from deleting_tenants()


-- name: purge_batch
select purge_batch($1)

-- name: tables
select name::text as name from purgeable_tables
where has_table_privilege(name, 'select') and name::text <> all ($1::text[])
order by name::text
