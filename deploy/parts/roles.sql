-- What the roles under which strangers' queries run may not do: `untrusted` has the
-- queries of TAP, `gavo` those of the other services. To be run by a superuser in
-- DaCHS' database, as often as one likes.

-- Sorting and joining go to files beyond their memory; the disk is everybody's.
-- Only a superuser can lift this again.
ALTER ROLE untrusted SET temp_file_limit = '4GB';
ALTER ROLE gavo SET temp_file_limit = '4GB';

-- The longest that a query may take at all: whoever sets no time of its own has this.
ALTER ROLE untrusted SET statement_timeout = '1h';
-- The record of a job is worth no waiting for the disk, five times for each query of TAP: what
-- a crash takes of it is the last half second.
ALTER ROLE gavo SET synchronous_commit = off;
-- Rows are taken in parts, and written out between them.
ALTER ROLE untrusted SET idle_in_transaction_session_timeout = '5min';

-- PostgreSQL lets everybody make large objects, which fill the disk and stay, programs
-- in its own language, and locks that others wait for. None of it is needed to read.
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea),
  lo_open(oid, integer), lo_put(oid, bigint, bytea), lowrite(integer, bytea) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION pg_sleep(double precision), pg_sleep_for(interval),
  pg_sleep_until(timestamp with time zone) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION pg_advisory_lock(bigint), pg_advisory_lock(integer, integer),
  pg_advisory_xact_lock(bigint), pg_advisory_xact_lock(integer, integer),
  pg_try_advisory_lock(bigint), pg_try_advisory_lock(integer, integer),
  pg_try_advisory_xact_lock(bigint), pg_try_advisory_xact_lock(integer, integer) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, text),
  pg_logical_emit_message(boolean, text, bytea) FROM PUBLIC;

-- The role that owns the tables keeps all of it.
GRANT USAGE ON LANGUAGE plpgsql TO gavoadmin;
GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint), pg_advisory_xact_lock(bigint),
  pg_try_advisory_lock(bigint), pg_try_advisory_xact_lock(bigint), pg_sleep(double precision)
  TO gavoadmin;
