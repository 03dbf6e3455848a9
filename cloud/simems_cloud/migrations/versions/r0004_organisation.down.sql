create or replace view user_grants with (security_invoker = true) as
select g.tenant_id, g.user_id, g.role, g.node_id, null::text as path,
    array(select p.permission from role_permissions p where p.tenant_id = g.tenant_id and p.role = g.role) as permissions
from role_grants g;
alter table role_grants drop constraint role_grants_tenant_id_node_id_fkey;
revoke insert on sites from simems_app;
drop table site_facts, org_nodes;
drop extension ltree;
