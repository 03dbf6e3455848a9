-- Unlogged: after a crash of the server everybody starts with a full bucket. Keys are hashes of nobody's choosing.
create unlogged table rate_buckets (
    key bytea primary key,
    tokens double precision not null,
    at timestamptz not null
);
grant select, insert, update, delete on rate_buckets to simems_lookup;

-- Takes one token; returns the seconds to wait, 0 when one was there. A bucket fills within a minute.
create function take_turn(bucket bytea, per_minute integer) returns double precision
    language plpgsql security definer set search_path = public, pg_temp
    as $$
declare
    left_over double precision;
begin
    insert into public.rate_buckets as b (key, tokens, at) values (bucket, per_minute - 1, clock_timestamp())
    on conflict (key) do update set
        tokens = least(per_minute, b.tokens + per_minute * extract(epoch from clock_timestamp() - b.at) / 60) - 1,
        at = clock_timestamp()
    returning tokens into left_over;
    if left_over >= 0 then
        if random() < 0.001 then
            delete from public.rate_buckets where at < now() - interval '1 hour';
        end if;
        return 0;
    end if;
    update public.rate_buckets set tokens = tokens + 1 where key = bucket;
    return -left_over * 60 / per_minute;
end $$;
revoke all on function take_turn(bytea, integer) from public;
grant execute on function take_turn(bytea, integer) to simems_app;
grant create on schema public to simems_lookup;
alter function take_turn(bytea, integer) owner to simems_lookup;
revoke create on schema public from simems_lookup;
