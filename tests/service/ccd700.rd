<resource schema="ccd700">
  <!-- A service like that of CCD700, for tests of the download. Every observation stands
    twice under one publisher DID, gratings are mixed, BAND finds what it overlaps. -->
  <meta name="title">Spectra like those of CCD700</meta>
  <meta name="description">Simulated spectra in the layouts of CCD700.</meta>
  <meta name="creationDate">2026-01-01T00:00:00</meta>
  <meta name="subject">stellar-spectral-lines</meta>
  <meta name="creator">vospec</meta>
  <meta name="ssap.dataSource">pointed</meta>
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
        <bind key="mime">@mime</bind>
        <bind key="fsize">@size</bind>
        <bind key="preview">None</bind>
      </rowfilter>
    </csvGrammar>
    <make table="files"/>
  </data>

  <table id="entries" onDisk="True" adql="hidden">
    <column name="service" type="text" description="Service that lists it"/>
    <column name="did" type="text" description="Publisher DID"/>
    <column name="ra" type="double precision" unit="deg" description="Right ascension"/>
    <column name="dec" type="double precision" unit="deg" description="Declination"/>
    <column name="start" type="double precision" unit="m" description="First wavelength"/>
    <column name="stop" type="double precision" unit="m" description="Last wavelength"/>
    <column name="n_pixels" type="integer" required="True" description="Number of pixels"/>
    <column name="accref" type="text" description="Product or address"/>
    <column name="mime" type="text" description="Media type"/>
  </table>

  <data id="load_entries">
    <sources>data/entries.csv</sources>
    <csvGrammar/>
    <make table="entries"><rowmaker idmaps="*"/></make>
  </data>

  <STREAM id="service">
    <doc>A service and the view that holds its entries.</doc>
    <data id="make_\name">
      <make>
        <table id="\name" onDisk="True" adql="hidden">
          <meta name="_associatedDatalinkService">
            <meta name="serviceId">dl</meta>
            <meta name="idColumn">ssa_pubDID</meta>
          </meta>
          <mixin
            sourcetable="entries"
            whereclause="WHERE service = '\name'"
            accsize="NULL"
            owner="NULL"
            embargo="NULL"
            ssa_pubDID="did"
            ssa_dstitle="did"
            ssa_location="\\+spoint(radians(ra), radians(dec))"
            ssa_specstart="start"
            ssa_specend="stop"
            ssa_specmid="(start + stop) / 2"
            ssa_specext="stop - start"
            ssa_length="n_pixels"
            ssa_fluxcalib="'NORMALIZED'"
            ssa_spectralunit="'Angstrom'"
            >//ssap#view</mixin>
        </table>
      </make>
    </data>
    <service id="ssa_\name" allowed="ssap.xml">
      <meta name="title">CCD700, \name</meta>
      <meta name="shortName">ccd700 \name</meta>
      <ssapCore queriedTable="\name">
        <FEED source="//ssap#hcd_condDescs"/>
      </ssapCore>
    </service>
  </STREAM>

  <!-- Both files of each observation. -->
  <FEED source="service" name="direct"/>
  <!-- One document of DataLink for each. -->
  <FEED source="service" name="linked"/>
  <!-- VOTables only; every answer describes the service that links to the FITS files. -->
  <FEED source="service" name="described"/>

  <service id="dl" allowed="dlmeta">
    <meta name="title">CCD700 DataLink</meta>
    <datalinkCore>
      <descriptorGenerator>
        <code>
          with base.getTableConn() as connection:
            known = list(connection.query(
              "SELECT accref, mime FROM ccd700.entries WHERE service = 'direct'"
              " AND did = %(did)s ORDER BY mime", {"did": pubDID}))
          if not known:
            return DatalinkFault.NotFoundFault(pubDID, "No such observation")
          descriptor = ProductDescriptor(pubDID, known[0][0], known[0][0], known[0][1])
          descriptor.files = known
          descriptor.suppressAutoLinks = True
          return descriptor
        </code>
      </descriptorGenerator>
      <metaMaker semantics="#this">
        <code>
          for accref, mime in descriptor.files:
            yield descriptor.makeLink(
              "\getConfig{web}{serverURL}/getproduct/" + accref,
              description="The spectrum", contentType=mime)
        </code>
      </metaMaker>
    </datalinkCore>
  </service>
</resource>
