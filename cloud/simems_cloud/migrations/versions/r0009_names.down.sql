drop view events;
drop table command_acks, commands, emissions, carbon_factors, invoices, billing_runs, tariffs;
