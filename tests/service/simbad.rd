<resource schema="public" resdir="simbad">
  <!-- A small SIMBAD for tests of the verification: its tables by their names, with the names,
  types and units of its columns. They are made and filled by tests/service/simbad.py. -->
  <meta name="title">A small SIMBAD</meta>
  <meta name="description">Sources made by tests in the tables of SIMBAD.</meta>
  <meta name="creationDate">2026-01-01T00:00:00</meta>
  <meta name="subject">astronomical-object-identification</meta>
  <meta name="creator">vospec</meta>

  <table id="basic" onDisk="True" adql="True" primary="oid">
    <meta name="description">Sources</meta>
    <index columns="ra,dec" kind="spoint" method="GIST">
      spoint(radians(ra), radians(dec))</index>
    <column name="oid" type="bigint" required="True" ucd="meta.record;meta.id"
      description="Internal identifier"/>
    <column name="main_id" type="text" ucd="meta.id;meta.main" description="Main identifier"/>
    <column name="ra" type="double precision" unit="deg" ucd="pos.eq.ra;meta.main"
      description="Right ascension"/>
    <column name="dec" type="double precision" unit="deg" ucd="pos.eq.dec;meta.main"
      description="Declination"/>
    <column name="otype" type="text" ucd="src.class" description="Object type"/>
    <column name="sp_type" type="text" ucd="src.spType" description="Spectral type"/>
    <column name="rvz_radvel" type="double precision" unit="km/s" ucd="spect.dopplerVeloc.opt"
      description="Radial velocity"/>
    <column name="nbref" type="integer" ucd="meta.bib;meta.number"
      description="Number of references"><values nullLiteral="-1"/></column>
    <column name="update_date" type="text" ucd="time.update" description="Date of the update"/>
  </table>

  <table id="otypes" onDisk="True" adql="True">
    <meta name="description">All object types of all sources</meta>
    <index columns="oidref"/>
    <column name="oidref" type="bigint" required="True" ucd="meta.record;meta.id"
      description="Source"/>
    <column name="otype" type="text" ucd="src.class" description="Object type"/>
  </table>

  <table id="otypedef" onDisk="True" adql="True" primary="otype">
    <meta name="description">Object types</meta>
    <column name="otype" type="text" required="True" ucd="src.class" description="Code"/>
    <column name="label" type="text" ucd="meta.title" description="Name"/>
    <column name="description" type="text" ucd="meta.note" description="Meaning"/>
    <column name="comment" type="text" ucd="meta.note" description="More"/>
    <column name="is_candidate" type="smallint" ucd="meta.code"
      description="1 for types of candidates"><values nullLiteral="-1"/></column>
    <column name="path" type="text" ucd="src.class" description="Place in the hierarchy"/>
  </table>

  <table id="ident" onDisk="True" adql="True">
    <meta name="description">All names of all sources</meta>
    <index columns="oidref"/>
    <index columns="id"/>
    <column name="oidref" type="bigint" required="True" ucd="meta.record;meta.id"
      description="Source"/>
    <column name="id" type="text" ucd="meta.id" description="Name"/>
  </table>

  <data id="made">
    <make table="basic"/>
    <make table="otypes"/>
    <make table="otypedef"/>
    <make table="ident"/>
  </data>
</resource>
