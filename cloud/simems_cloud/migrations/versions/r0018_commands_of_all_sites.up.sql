create index commands_of_all_sites on commands (tenant_id, created_at desc, command_id desc);
