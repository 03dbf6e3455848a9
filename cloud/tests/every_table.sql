-- One row of a tenant in every table there is; :tenant and :tag are replaced. A test fails when a table is missing here.
insert into tenants (tenant_id, name) values (':tenant', ':tag') on conflict (tenant_id) do nothing;
insert into users (tenant_id, user_id, email) values (':tenant', ':user', ':tag@example.com');
insert into sites (tenant_id, site_id, name, time_zone) values (':tenant', ':tag', 'Harbour', 'UTC');
insert into devices (tenant_id, device_id, site_id, name, public_key)
    values (':tenant', ':user', ':tag', 'edge', rpad(':tag', 40, 'x'));
insert into components (tenant_id, site_id, component_id, kind, position) values (':tenant', ':tag', 'grid0', 'meter', 1);
insert into channels (tenant_id, site_id, address) values (':tenant', ':tag', 'grid0/active_power_w');
insert into frames (tenant_id, device_id, sequence, site_id, kind, checksum)
    values (':tenant', ':user', 1, ':tag', 'telemetry', '\x00');
insert into frame_values (tenant_id, device_id, sequence, site_id, start_at, end_at, channel_ids, times_us, "values", rolled_up)
    select tenant_id, ':user', 1, ':tag', now(), now(), array[channel_id], '{1}', '{1}', true
    from channels where tenant_id = ':tenant';
insert into measurement_blocks (tenant_id, channel_id, start_at, device_id, first_sequence, end_at, times_us, "values")
    select tenant_id, channel_id, now(), ':user', 1, now(), '{1}', '{1}' from channels where tenant_id = ':tenant';
insert into rollup_1min select tenant_id, channel_id, now(), 1, 1, 1, 1, 1, 1, now(), 1, now()
    from channels where tenant_id = ':tenant';
insert into rollup_15min select tenant_id, channel_id, now(), 1, 1, 1, 1, 1, 1, now(), 1, now(), null, 0, 0, 1
    from channels where tenant_id = ':tenant';
insert into latest (tenant_id, channel_id, site_id, quality, at)
    select tenant_id, channel_id, ':tag', 0, now() from channels where tenant_id = ':tenant';
insert into alarms (tenant_id, site_id, device_id, origin, event_id, code, severity, component, text, cause, effect,
    remedy, raised_at) values (':tenant', ':tag', ':user', 'edge', 'e1', 'c', 'alarm', '', 't', '', '', '', now());
insert into roles (tenant_id, role) values (':tenant', 'night');
insert into role_permissions (tenant_id, role, permission) values (':tenant', 'night', 'alarms:read');
insert into org_nodes (tenant_id, node_id, kind, name, path)
    values (':tenant', ':user', 'enterprise', 'Root', replace(':user', '-', '')::ltree);
insert into org_nodes (tenant_id, node_id, parent_id, kind, name, path, site_id)
    values (':tenant', ':child', ':user', 'site', 'Harbour', (replace(':user', '-', '') || '.' || replace(':child', '-', ''))::ltree, ':tag');
insert into site_facts (tenant_id, site_id) values (':tenant', ':tag');
insert into role_grants (tenant_id, user_id, role, node_id) values (':tenant', ':user', 'night', ':child');
insert into sessions (tenant_id, session_id, user_id, method, expires_at)
    values (':tenant', ':user', ':user', 'password', now() + interval '1 day');
insert into refresh_tokens (tenant_id, token_hash, session_id) values (':tenant', convert_to(':tag', 'UTF8'), ':user');
insert into second_factors (tenant_id, user_id, sealed_secret) values (':tenant', ':user', '\x00');
insert into recovery_codes (tenant_id, user_id, code_hash) values (':tenant', ':user', '\x00');
insert into invitations (tenant_id, email, grants, token_hash, invited_by, expires_at)
    values (':tenant', 'x@example.com', '[]', '\x00', 'ada', now());
insert into api_tokens (tenant_id, user_id, name, token_hash, permissions, expires_at)
    values (':tenant', ':user', 'x', '\x00', '{}', now());
insert into oidc_providers (tenant_id, provider, issuer, client_id, sealed_secret)
    values (':tenant', 'corporate', 'https://id', 'ems', '\x00');
insert into oidc_links (tenant_id, provider, subject, user_id) values (':tenant', 'corporate', '1', ':user');
insert into oidc_flows (tenant_id, state_hash, provider, sealed, expires_at)
    values (':tenant', '\x00', 'corporate', '\x00', now());
insert into idempotency_keys (tenant_id, user_id, key_hash, request_hash) values (':tenant', ':user', '\x00', '\x00');
insert into retention (tenant_id) values (':tenant');
insert into exports (tenant_id, export_id, site_id, requested_by, channels, start_at, end_at, resolution, format)
    values (':tenant', ':user', ':tag', 'ada', '{a/b}', now(), now() + interval '1 hour', 'raw', 'csv');
insert into export_chunks (tenant_id, export_id, part, data) values (':tenant', ':user', 0, '\x00');
insert into tariffs (tenant_id, tariff_id, name, currency, valid_from, definition)
    values (':tenant', ':user', 'night', 'SEK', '2026-01-01', '{}');
insert into billing_runs (tenant_id, run_id, tariff_id, from_date, until_date, created_by)
    values (':tenant', ':user', ':user', '2026-01-01', '2026-02-01', 'ada');
insert into invoices (tenant_id, run_id, site_id, currency, net, tax, gross, lines)
    values (':tenant', ':user', ':tag', 'SEK', 1, 0, 1, '[]');
insert into carbon_factors (tenant_id, market_zone, method, start_at, end_at, grams_per_kwh, source)
    values (':tenant', 'SE4', 'location', now(), now() + interval '1 hour', 20, 'test');
insert into emissions (tenant_id, site_id, method, start_at, end_at, energy_wh, grams)
    values (':tenant', ':tag', 'location', now(), now() + interval '1 hour', 1, 1);
insert into commands (tenant_id, command_id, device_id, site_id, counter, kind, payload, payload_hash, key, signature,
    not_before, expires_at, requested_by) values (':tenant', ':user', ':user', ':tag', 1, 'x', '{}', '\x00',
    repeat('a', 64), '\x00', now(), now() + interval '1 hour', 'ada');
insert into command_keys (tenant_id, public_key, sealed_secret) values (':tenant', repeat('a', 64), '\x00');
insert into command_results (tenant_id, command_id, content) values (':tenant', ':user', '\x00');
insert into command_acks (tenant_id, command_id, at, status) values (':tenant', ':user', now(), 'done');
insert into device_configs (tenant_id, device_id, version, hash, content) values (':tenant', ':user', 1, '\x00', '{}');
insert into equipment (tenant_id, site_id, component_id, type) values (':tenant', ':tag', 'grid0', 'meter');
insert into alarm_rules (tenant_id, rule_id, name, kind, channel, threshold, severity)
    values (':tenant', ':user', 'x', 'above', 'x', 1, 'info');
insert into alarm_rule_states (tenant_id, rule_id, site_id, address, seen_at) values (':tenant', ':user', ':tag', 'x', now());
insert into alarm_silences (tenant_id, until, created_by) values (':tenant', now(), 'ada');
insert into webhooks (tenant_id, webhook_id, name, url, sealed_secret)
    values (':tenant', ':user', 'x', 'https://hooks.example.com', '\x00');
insert into notification_subscriptions (tenant_id, user_id, minimum_severity) values (':tenant', ':user', 'info');
insert into notification_deliveries (tenant_id, method, recipient, subject, body, state)
    values (':tenant', 'email', 'x@example.com', 'x', '{}', 'failed');
insert into report_schedules (tenant_id, schedule_id, node_id, period, created_by)
    values (':tenant', ':user', ':child', 'day', 'ada');
insert into reports (tenant_id, report_id, schedule_id, node_id, period, starts_on, ends_on, time_zone, created_by)
    values (':tenant', ':user', ':user', ':child', 'day', '2026-03-01', '2026-03-02', 'UTC', 'ada');
insert into report_files (tenant_id, report_id, format, sha256, content) values (':tenant', ':user', 'csv', 'x', '\x00');
insert into device_claims (tenant_id, claim_key, name, created_by, expires_at)
    values (':tenant', rpad(':tag', 40, 'y'), 'box', 'ada', now() + interval '1 day');
