alter table channels add column headline boolean generated always as (
    address like '%/active\_power\_w' or address like '%/soc\_pct'
    or address in ('site/load_power_w', 'site/state', 'site/control_mode')) stored;
comment on column channels.headline is 'Shown in the fleet overview';
create index channels_headline on channels (tenant_id, site_id) where headline;
