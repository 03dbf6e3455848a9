set role simems_lookup;
drop function take_turn(bytea, integer);
set role simems_owner;
drop table rate_buckets;
