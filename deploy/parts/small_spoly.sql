-- An operator class for indexes of small polygons, five times faster to make than that of
-- pg_sphere 1.2. To be run by a superuser in DaCHS' database, as often as one likes.
--
-- The key of a shape is a box around it in space. For that of a polygon pg_sphere asks six
-- times for each of its sides whether it holds a pole or one of four points of the equator,
-- which only a large one needs: of some arc seconds the box around the path through the
-- corners is the same, to the last of 31 bits. (That bit is a milliarcsecond around the six
-- points: a polygon that holds one is not found by a circle that lies there with all of it.)
-- Paths and polygons are laid out alike in pg_sphere 1.2; other versions keep their own class.
-- It is not the default of its type: of large polygons it would not find all.
DO $$
DECLARE
  members text;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_sphere' AND extversion ~ '^1\.2(\.|$)')
    OR EXISTS (SELECT FROM pg_opclass WHERE opcname = 'small_spoly')
  THEN
    RETURN;
  END IF;
  WITH class AS (
    SELECT opcfamily FROM pg_opclass JOIN pg_am ON pg_am.oid = opcmethod
    WHERE opcname = 'spoly' AND amname = 'gist'
  )
  SELECT string_agg(member, ', ') INTO STRICT members FROM (
    SELECT format('OPERATOR %s %s', amopstrategy, amopopr::regoperator) AS member
    FROM pg_amop JOIN class ON amopfamily = opcfamily
    UNION ALL
    SELECT format('FUNCTION %s %s', amprocnum,
      CASE amprocnum WHEN 3 THEN 'g_spath_compress(internal)' ELSE amproc::regprocedure::text END)
    FROM pg_amproc JOIN class ON amprocfamily = opcfamily
  ) AS found;
  EXECUTE 'CREATE OPERATOR CLASS public.small_spoly FOR TYPE spoly USING gist AS '
    'STORAGE spherekey, ' || members;
END $$;
