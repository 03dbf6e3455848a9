alter table tenants
    add column status text not null default 'active' check (status in ('active', 'suspended', 'deleting', 'deleted')),
    add column second_factor_required boolean not null default false,
    add column version bigint not null default 1;

-- What may be allowed; the same for all tenants. The code's list and this one are compared by a test.
create table permissions (
    permission text primary key,
    description text not null
);
insert into permissions values
    ('sites:read', 'See sites'),
    ('sites:write', 'Change facts about sites'),
    ('telemetry:read', 'See measured values, live and past'),
    ('alarms:read', 'See alarms'),
    ('alarms:acknowledge', 'Acknowledge alarms'),
    ('organisation:read', 'See the organisation''s tree'),
    ('organisation:write', 'Change, move, archive and import nodes of the tree'),
    ('devices:read', 'See edge devices'),
    ('devices:write', 'Add and revoke edge devices'),
    ('users:read', 'See people, their roles and sessions'),
    ('users:write', 'Invite people, give and take roles, end sessions'),
    ('roles:write', 'Make roles of one''s own'),
    ('billing:read', 'See tariffs and bills'),
    ('billing:write', 'Make bills'),
    ('audit:read', 'Read the audit log'),
    ('tenant:write', 'Change the tenant''s settings'),
    ('platform:tenants', 'Create, suspend, export and delete tenants');

create table roles (
    tenant_id uuid not null references tenants on delete cascade,
    role text not null check (role ~ '^[a-z][a-z0-9_-]{1,39}$'),
    description text not null default '',
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    primary key (tenant_id, role)
);
comment on table roles is 'A tenant''s own roles; the built-in ones stand in the code';

create table role_permissions (
    tenant_id uuid not null,
    role text not null,
    permission text not null references permissions,
    primary key (tenant_id, role, permission),
    foreign key (tenant_id, role) references roles on delete cascade
);

create table role_grants (
    tenant_id uuid not null,
    grant_id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    role text not null,
    node_id uuid,
    created_at timestamptz not null default now(),
    primary key (tenant_id, grant_id),
    unique nulls not distinct (tenant_id, user_id, role, node_id),
    foreign key (tenant_id, user_id) references users on delete cascade
);
comment on column role_grants.node_id is 'Where in the tree, and below; null: everywhere';

create view user_grants with (security_invoker = true) as
select g.tenant_id, g.user_id, g.role, g.node_id, null::text as path,
    array(select p.permission from role_permissions p where p.tenant_id = g.tenant_id and p.role = g.role) as permissions
from role_grants g;

create table sessions (
    tenant_id uuid not null,
    session_id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    method text not null check (method in ('password', 'oidc', 'invitation')),
    client text not null default '',
    created_at timestamptz not null default now(),
    used_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    primary key (tenant_id, session_id),
    foreign key (tenant_id, user_id) references users on delete cascade
);
create index sessions_user on sessions (tenant_id, user_id);

create table refresh_tokens (
    tenant_id uuid not null,
    token_hash bytea not null,
    session_id uuid not null,
    created_at timestamptz not null default now(),
    used_at timestamptz,
    primary key (tenant_id, token_hash),
    foreign key (tenant_id, session_id) references sessions on delete cascade
);
create index refresh_tokens_session on refresh_tokens (tenant_id, session_id);

create table second_factors (
    tenant_id uuid not null,
    user_id uuid not null,
    sealed_secret bytea not null,
    confirmed_at timestamptz,
    last_step bigint not null default 0,
    primary key (tenant_id, user_id),
    foreign key (tenant_id, user_id) references users on delete cascade
);
comment on column second_factors.last_step is 'Time step of the last code taken: none is taken twice';

create table recovery_codes (
    tenant_id uuid not null,
    user_id uuid not null,
    code_hash bytea not null,
    used_at timestamptz,
    primary key (tenant_id, user_id, code_hash),
    foreign key (tenant_id, user_id) references users on delete cascade
);

create table invitations (
    tenant_id uuid not null references tenants on delete cascade,
    invitation_id uuid not null default gen_random_uuid(),
    email text not null check (email = lower(email) and email like '%_@_%'),
    name text not null default '',
    grants jsonb not null,
    token_hash bytea not null,
    invited_by text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    accepted_at timestamptz,
    revoked_at timestamptz,
    primary key (tenant_id, invitation_id)
);
create unique index invitations_token on invitations (tenant_id, token_hash);

create table api_tokens (
    tenant_id uuid not null,
    token_id uuid not null default gen_random_uuid(),
    user_id uuid not null,
    name text not null check (name <> ''),
    token_hash bytea not null,
    permissions text[] not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    revoked_at timestamptz,
    primary key (tenant_id, token_id),
    foreign key (tenant_id, user_id) references users on delete cascade
);
create unique index api_tokens_hash on api_tokens (tenant_id, token_hash);

create table oidc_providers (
    tenant_id uuid not null references tenants on delete cascade,
    provider text not null check (provider ~ '^[a-z][a-z0-9-]{0,39}$'),
    issuer text not null,
    client_id text not null,
    sealed_secret bytea not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, provider)
);

create table oidc_links (
    tenant_id uuid not null,
    provider text not null,
    subject text not null,
    user_id uuid not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, provider, subject),
    foreign key (tenant_id, provider) references oidc_providers on delete cascade,
    foreign key (tenant_id, user_id) references users on delete cascade
);

create table oidc_flows (
    tenant_id uuid not null,
    state_hash bytea not null,
    provider text not null,
    sealed bytea not null,
    expires_at timestamptz not null,
    primary key (tenant_id, state_hash),
    foreign key (tenant_id, provider) references oidc_providers on delete cascade
);
comment on table oidc_flows is 'A sign-in under way at a provider: nonce and PKCE verifier, sealed';

create table idempotency_keys (
    tenant_id uuid not null,
    user_id uuid not null,
    key_hash bytea not null,
    request_hash bytea not null,
    sealed_answer bytea,
    created_at timestamptz not null default now(),
    primary key (tenant_id, user_id, key_hash),
    foreign key (tenant_id, user_id) references users on delete cascade
);

do $$
declare
    t text;
begin
    foreach t in array array['roles', 'role_permissions', 'role_grants', 'sessions', 'refresh_tokens',
        'second_factors', 'recovery_codes', 'invitations', 'api_tokens', 'oidc_providers', 'oidc_links', 'oidc_flows',
        'idempotency_keys']
    loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy tenant on %I using (tenant_id = app_tenant()) with check (tenant_id = app_tenant())', t);
    end loop;
end $$;

do $$
declare
    tenant uuid;
begin
    for tenant in select p.tenant_id from platform_tenants() p loop
        perform set_config('app.tenant', tenant::text, true);
        insert into role_grants (tenant_id, user_id, role)
        select tenant_id, user_id,
            case role when 'admin' then 'tenant_admin' when 'operator' then 'site_operator' else 'viewer' end
        from users;
    end loop;
    perform set_config('app.tenant', '', true);
end $$;
alter table users drop column role, add column version bigint not null default 1;
alter table users alter column password_hash drop not null;

grant select on permissions to simems_app;
grant select, insert, update, delete on roles, role_permissions, role_grants, sessions, refresh_tokens, second_factors,
    recovery_codes, invitations, api_tokens, oidc_links, oidc_flows, idempotency_keys to simems_app;
grant select on user_grants, oidc_providers to simems_app;
grant insert on users, tenants to simems_app;
grant update (name, password_hash, active, version) on users to simems_app;
grant update (name, status, second_factor_required, version) on tenants to simems_app;

-- A suspended tenant's devices stay outside, and hear of it at once.
create function tenant_changed() returns trigger
    language plpgsql set search_path = public, pg_temp
    as $$ begin
        perform pg_notify('simems_devices', d.public_key) from devices d where d.tenant_id = new.tenant_id;
        return new;
    end $$;
create trigger tenant_changed after update of status on tenants for each row execute function tenant_changed();

grant select on role_grants to simems_lookup;
create policy lookup on role_grants for select to simems_lookup using (true);
grant create on schema public to simems_lookup;
set role simems_lookup;
create or replace function device_by_key(sought text) returns table (tenant_id uuid, device_id uuid, site_id text)
    language sql stable security definer set search_path = public, pg_temp
    as $$ select d.tenant_id, d.device_id, d.site_id from public.devices d
          join public.tenants t on t.tenant_id = d.tenant_id
          where d.public_key = sought and d.revoked_at is null and t.status = 'active' $$;

drop function platform_tenants();
create function platform_tenants() returns table (tenant_id uuid, name text, status text, created_at timestamptz)
    language plpgsql stable security definer set search_path = public, pg_temp
    as $$ begin
        if session_user in ('simems_app', 'simems_ingest') and not exists (
            select from public.role_grants g where g.role = 'platform' and g.node_id is null
                and g.tenant_id = app_tenant()
                and g.user_id = nullif(current_setting('app.user', true), '')::uuid)
        then
            raise exception 'only people of the platform see all tenants' using errcode = 'insufficient_privilege';
        end if;
        return query select t.tenant_id, t.name, t.status, t.created_at from public.tenants t order by t.name;
    end $$;
revoke all on function platform_tenants() from public;
grant execute on function platform_tenants() to simems_owner, simems_app;
set role simems_owner;
revoke create on schema public from simems_lookup;
