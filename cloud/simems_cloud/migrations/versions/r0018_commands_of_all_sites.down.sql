drop index commands_of_all_sites;
