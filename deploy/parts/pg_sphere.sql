-- Creates the extension pg_sphere 1.2 of Debian 12 under PostgreSQL 15 of any minor release.
--
-- Its script gives two obsolete operators, (bigint @ smoc) and (spoint @ smoc), the
-- commutator @> and the negator !<@ that belong to <@ already. Minor releases that
-- check this refuse the script: "commutator operator @> is already the commutator of
-- operator <@". So while the script runs, the links back from @> and !<@ are undone
-- after each operator, and set at the end as releases without the check leave them.
BEGIN;

CREATE FUNCTION public.loosen_operators() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE pg_catalog.pg_operator SET oprcom = 0
    WHERE oprname = '@>' AND oprcom <> 0
      AND oprleft = pg_catalog.to_regtype('public.smoc')
      AND oprright IN ('bigint'::regtype, pg_catalog.to_regtype('public.spoint'));
  UPDATE pg_catalog.pg_operator SET oprnegate = 0
    WHERE oprname = '!<@' AND oprnegate <> 0
      AND oprright = pg_catalog.to_regtype('public.smoc')
      AND oprleft IN ('bigint'::regtype, pg_catalog.to_regtype('public.spoint'));
END $$;

CREATE EVENT TRIGGER loosen_operators ON ddl_command_end
  WHEN TAG IN ('CREATE OPERATOR') EXECUTE FUNCTION public.loosen_operators();
CREATE EXTENSION pg_sphere SCHEMA public;
DROP EVENT TRIGGER loosen_operators;
DROP FUNCTION public.loosen_operators();

UPDATE pg_operator AS contains SET oprcom = contained.oid
  FROM pg_operator AS contained
  WHERE contained.oprname = '<@' AND contained.oprcom = contains.oid AND contains.oprcom = 0;
UPDATE pg_operator AS outside SET oprnegate = contained.oid
  FROM pg_operator AS contained
  WHERE contained.oprname = '<@' AND contained.oprnegate = outside.oid AND outside.oprnegate = 0;

COMMIT;
