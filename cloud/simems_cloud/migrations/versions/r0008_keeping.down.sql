drop function drop_partitions();
set role simems_lookup;
drop function waiting_exports(integer), longest_retention();
set role simems_owner;
drop table export_chunks, exports, retention;
