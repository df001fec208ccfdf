<resource schema="archives">
  <!-- Two archives for tests of pairs: the one of CCD700 and that of LAMOST, each by SSA and
  both in one table like ObsCore's. Every observation stands twice under one publisher DID. -->
  <meta name="title">Two archives</meta>
  <meta name="description">Spectra of CCD700 and of LAMOST.</meta>
  <meta name="creationDate">2026-01-01T00:00:00</meta>
  <meta name="subject">stellar-spectral-lines</meta>
  <meta name="creator">vospec</meta>
  <meta name="ssap.dataSource">survey</meta>
  <meta name="ssap.creationType">archival</meta>
  <meta name="ssap.testQuery">MAXREC=1</meta>

  <table id="files" onDisk="True" mixin="//products#table" adql="hidden"/>

  <data id="load_files">
    <sources>data/files.csv</sources>
    <csvGrammar>
      <rowfilter procDef="//products#define">
        <bind key="table">"\schema.files"</bind>
        <bind key="accref">@path</bind>
        <bind key="path">@path</bind>
        <bind key="mime">"application/fits"</bind>
        <bind key="preview">None</bind>
      </rowfilter>
    </csvGrammar>
    <make table="files"/>
  </data>

  <table id="observations" onDisk="True" adql="True">
    <meta name="description">Observations of both archives, in columns of ObsCore</meta>
    <mixin>//scs#pgs-pos-index</mixin>
    <column name="obs_collection" type="text" ucd="meta.id" description="Archive"/>
    <column name="dataproduct_type" type="text" ucd="meta.code.class" description="Kind"/>
    <column name="obs_publisher_did" type="text" ucd="meta.ref.ivoid" description="DID"/>
    <column name="target_name" type="text" ucd="meta.id;src" description="Target"/>
    <column name="s_ra" type="double precision" unit="deg" ucd="pos.eq.ra;meta.main"
      description="Right ascension"/>
    <column name="s_dec" type="double precision" unit="deg" ucd="pos.eq.dec;meta.main"
      description="Declination"/>
    <column name="t_min" type="double precision" unit="d" ucd="time.start" description="Begin"/>
    <column name="t_max" type="double precision" unit="d" ucd="time.end" description="End"/>
    <column name="em_min" type="double precision" unit="m" ucd="em.wl;stat.min"
      description="First wavelength"/>
    <column name="em_max" type="double precision" unit="m" ucd="em.wl;stat.max"
      description="Last wavelength"/>
    <column name="access_url" type="text" ucd="meta.ref.url" description="Address"/>
    <column name="access_format" type="text" ucd="meta.code.mime" description="Media type"/>
  </table>

  <data id="load_observations">
    <sources>data/observations.csv</sources>
    <csvGrammar/>
    <make table="observations"><rowmaker idmaps="*"/></make>
  </data>

  <STREAM id="archive">
    <data id="make_\name">
      <make>
        <table id="ssa_of_\name" onDisk="True" adql="hidden">
          <mixin
            sourcetable="observations"
            whereclause="WHERE obs_collection = '\name' AND dataproduct_type = 'spectrum'"
            accref="access_url"
            mime="access_format"
            accsize="NULL"
            owner="NULL"
            embargo="NULL"
            ssa_pubDID="obs_publisher_did"
            ssa_dstitle="obs_publisher_did"
            ssa_targname="target_name"
            ssa_location="\\+spoint(radians(s_ra), radians(s_dec))"
            ssa_dateObs="(t_min + t_max) / 2"
            ssa_specstart="em_min"
            ssa_specend="em_max"
            ssa_specmid="(em_min + em_max) / 2"
            ssa_specext="em_max - em_min"
            ssa_length="NULL"
            ssa_fluxcalib="'NORMALIZED'"
            ssa_spectralunit="'Angstrom'"
            >//ssap#view</mixin>
        </table>
      </make>
    </data>
    <service id="\name" allowed="ssap.xml">
      <meta name="title">Spectra of \name</meta>
      <meta name="shortName">\name</meta>
      <ssapCore queriedTable="ssa_of_\name">
        <FEED source="//ssap#hcd_condDescs"/>
      </ssapCore>
    </service>
  </STREAM>
  <FEED source="archive" name="ccd700"/>
  <FEED source="archive" name="lamost"/>
</resource>
