<?xml version="1.0" encoding="utf-8"?>
<!-- vospec in the Virtual Observatory.

The tables are made and filled by vospec, never by an import: dachs imp -m
adopts them, and the one import here makes a view. Names, types, units, UCDs
and descriptions of the columns are those of vospec/columns; a test compares. -->
<resource schema="vospec" resdir="vospec">

  <!-- ============ metadata ============ -->

  <meta name="creationDate">2026-11-22T00:00:00Z</meta>
  <meta name="title">vospec: emission-line star candidates in spectral archives</meta>
  <meta name="description">
    Candidates for emission-line stars (Be, B[e], Herbig Ae/Be and kin), found in a
    low-resolution survey (LAMOST) by semi-supervised learning from labelled
    high-resolution spectra of another archive (Ondřejov CCD700): the spectra of both
    archives, the rectified spectra around Hα that the learning sees, the labels, the
    scores of every spectrum by run, the candidates of the current run with measures of
    their lines, the evidence behind each, what SIMBAD knows of them, and what changed
    since the run before. All wavelengths are vacuum wavelengths in Å in the heliocentric
    frame.
  </meta>
  <meta name="_longdoc" format="rst"><![CDATA[
    .. contents:: On this page
       :depth: 1
       :local:

    Before you use it
    =================

    **A score orders spectra; it is no probability.** Labels of the training archive
    spread through a graph that joins each spectrum to those most like it around Hα; the
    score is the part of what arrives that comes from emission and double_peak. It is
    halved where no line stands above the continuum at Hα. A score of 1 means that all
    labels within reach agree, not that the star is a Be star. Equal scores are ordered by
    the line.

    **The probability is the score calibrated**, on labelled spectra that were scored
    without the labels of their star, and carried to the share of emission-line stars that
    the survey's own scores tell. It holds for spectra that resemble some label; what the
    survey has and no label resembles is not in it, nor in its errors. It is NULL where
    labels are too few, and runs.calibration_note says so. vospec.reliability tells how well
    it held, vospec.thresholds what to expect above a score.

    **Rows are spectra, not stars.** A star that was observed or released several times has
    several rows; spectra.observation is the same in all releases of one observation, and
    positions tell the rest.

    **Flux is relative.** LAMOST's flux is not calibrated absolutely and CCD700's is counts
    or normalised: the unit ct has an arbitrary scale, and no two spectra can be subtracted
    as they are. vospec.features holds flux over continuum, which can. Wavelengths are
    vacuum wavelengths, also where the archive gives air wavelengths: Hα is at 6564.6 Å, and
    vospec.grid tells both.

    **An inverse variance of 0 is unknown, not bad.** LAMOST's pipeline gives ivar = 0 over
    strong emission at Hα, of just the stars that are sought here. The mask tells which
    pixels are bad; ivar does not.

    **What is not here.** Candidates are sought among spectra that cover the grid around
    Hα, within the survey's own choice of targets and magnitudes; vospec.spectra tells of
    every file whether it was used and, if not, why. At LAMOST's resolution (R about 1800)
    the peaks of a disc merge when they are less than about 190 km/s apart, and weak
    emission in a deep absorption line is lost. Be stars vary: a spectrum without emission
    tells of its night alone. The archive's spectral types do not help: Be stars stand there
    as A2V or A3IV, too.

    **Not all that is found is a Be star.** Ionised gas along the line of sight, residues of
    the night sky, cosmic rays and the junction of the spectrograph's arms mimic emission;
    line_flags tells of each and removes nothing. Active cool stars, cataclysmic and
    symbiotic stars, young stars and quasars have real emission and come up rightly.

    **The verdict is SIMBAD's, by a rule.** The nearest source within the radius (3″ unless
    vospec.simbad.radius says otherwise) is taken. Spectral types and *all* object types, not
    the main one alone, decide between known_emission_star, known_other_star, contaminant
    (planetary nebula, H II region, galaxy, quasar) and unclear, by the rules in
    vospec.verdict_rules; simbad.rule tells which one it was. not_in_simbad means that no source lay
    within the radius on that day: it is a hint that a star may be new, no proof. not_asked
    and service_failed tell nothing about the star. In crowded fields (n_sources above 1)
    look at the picture.

    How to ask
    ==========

    The tables are read by TAP; more queries stand in the service's
    \RSTservicelink{tap/examples}{examples}. Arrays are counted from 1. This server's ADQL
    wants ``LEFT OUTER JOIN`` where others take ``LEFT JOIN``, and ``!=`` for ``<>``.

    *The best candidates that SIMBAD does not know, with what is needed to judge them*::

      SELECT TOP 20 rank, score, probability, class, object, ra, dec, snr,
        equivalent_width, equivalent_width_error, peak_height
      FROM vospec.candidates
      WHERE verdict = 'not_in_simbad' AND line_flags = 0
      ORDER BY rank

    *What does a threshold promise?* ::

      SELECT threshold, n, expected_precision, expected_precision_error, expected_recall
      FROM vospec.thresholds JOIN vospec.runs USING (run_id)
      WHERE state = 'current' ORDER BY threshold

    *Wide double peaks*, V over R, with none of the flags that tell of sky, nebula or cosmic
    rays::

      SELECT spectrum_id, peak_separation, violet_to_red, central_depth
      FROM vospec.candidates
      WHERE n_peaks = 2 AND peak_separation > 200 AND line_flags = 0
      ORDER BY peak_separation DESC

    *Bright candidates that the archive takes for ordinary A stars*::

      SELECT spectrum_id, score, archive_subclass FROM vospec.candidates
      WHERE snr > 50 AND archive_subclass LIKE 'A%' AND score > 0.9

    *Strong emission anywhere in the survey*, candidate or not::

      SELECT TOP 100 spectrum_id, peak_height, equivalent_width, line_flags
      FROM vospec.feature_summary WHERE peak_height > 1 ORDER BY peak_height DESC

    *The line of one spectrum*, as a table that can be plotted::

      SELECT g.wavelength, f.flux[g.element] AS flux
      FROM vospec.candidates AS c
      JOIN vospec.features AS f ON f.spectrum_id = c.spectrum_id
      JOIN vospec.grid AS g ON g.wavelength BETWEEN 6540 AND 6590
      WHERE c.rank = 1 ORDER BY wavelength

    *Why is this star a candidate?* vospec.neighbours tells the labelled spectra from
    which its class shares come, and the spectra beside it in the graph::

      SELECT c.rank, c.score, n.kind, n.place, n.share, n.class, n.neighbour_id
      FROM vospec.candidates AS c
      JOIN vospec.neighbours AS n ON n.spectrum_id = c.spectrum_id
      WHERE c.rank = 1 ORDER BY kind, place

    *What did the last run change?* ::

      SELECT TOP 100 change, COUNT(*) AS n, MAX(score - previous_score) AS largest_rise
      FROM vospec.score_changes GROUP BY change

    *Scores of several runs.* vospec.scores holds every run that is kept; the
    current one is::

      SELECT TOP 1000 spectrum_id, score, rank FROM vospec.scores
      JOIN vospec.runs USING (run_id) WHERE state = 'current' ORDER BY score DESC

    *Spectra.* Every row of vospec.spectra with pixels leads to a FITS binary table
    (columns spectral_axis, flux, flux_error, ivar, mask), to another one of flux over
    continuum where it could be rectified, and to a preview picture; the addresses stand
    in vospec.ssa_spectra, in ivoa.obscore and in the answers of the SSA services. From
    all of these rows DataLink leads on: to the archive's own file, to the labelled
    spectra that speak for a candidate, to SIMBAD, and to parts of the spectrum as
    VOTable, FITS or CSV (SODA: BAND in metres, FLUXCALIB, FORMAT). In Python::

      from specutils import Spectrum

      Spectrum.read(address)

    How to cite
    ===========

    The method: P. Škoda, A. Palička, J. Koza, K. Shakurova 2017, *Identification of
    Interesting Objects in Large Spectral Surveys Using Highly Parallelized Machine
    Learning*, Proc. IAU Symp. 325, doi:10.1017/S1743921317000047.

    The data: this resource, as *How to cite* beside each service gives it, with the run
    (candidates.run_id) and the day: scores, ranks and verdicts change from run to run, and
    the operator keeps as many earlier runs as vospec.runs lists. The spectra: LAMOST and the
    Ondřejov CCD700 archive, with the acknowledgements that they ask for.
  ]]></meta>
  <meta name="subject">be-stars</meta>
  <meta name="subject">emission-line-stars</meta>
  <meta name="subject">stellar-spectral-lines</meta>
  <meta name="subject">surveys</meta>
  <meta name="creator">The vospec developers</meta>
  <meta name="isDerivedFrom">LAMOST low-resolution spectral survey</meta>
  <meta name="isDerivedFrom">Ondřejov CCD700 archive of stellar spectra</meta>
  <!-- Škoda et al. 2017, IAU Symposium 325, by its preprint. -->
  <meta name="source">2016arXiv161207536S</meta>
  <meta name="version">0.4</meta>
  <meta name="rights">
    What vospec makes of the spectra (features, scores, probabilities, measures of lines,
    evidence, pairs) is offered under the Creative Commons licence Attribution 4.0, unless
    the operator of this service says otherwise.
    <meta name="rightsURI">https://spdx.org/licenses/CC-BY-4.0.html</meta>
  </meta>
  <meta name="rights">
    The spectra are their archives', whose files name no licence: releases of LAMOST that are
    public may be used as the survey's data policy has it; whoever runs this service answers
    for publishing no others. Please acknowledge LAMOST and the Ondřejov CCD700 archive where
    you use their spectra or labels, and SIMBAD (CDS, Strasbourg) for the columns that come
    from there.
  </meta>
  <meta name="rights">
    The software is free under the BSD 3-Clause licence.
    <meta name="rightsURI">https://spdx.org/licenses/BSD-3-Clause.html</meta>
  </meta>
  <meta name="_news" author="vospec" date="2026-11-22" role="created">
    Version 0.1: LAMOST and CCD700 spectra, labels, rectified spectra, scores of Label
    Propagation and Label Spreading, candidates; by TAP, SSA, ObsCore, DataLink, cone search
    and a web page.
  </meta>
  <meta name="_news" author="vospec" date="2026-11-22" role="updated">
    Version 0.2: measures of Hα, He I 6678 and forbidden lines with errors, flags of what
    mimics emission, the evidence behind each candidate (table neighbours), SDSS spectra;
    spectra without a line at Hα score half.
  </meta>
  <meta name="_news" author="vospec" date="2026-11-23" role="updated">
    Version 0.3: calibrated probabilities, the tables thresholds and reliability, scores for
    spectra that came after a run.
  </meta>
  <meta name="_news" author="vospec" date="2026-11-28" role="updated">
    Version 0.4: what SIMBAD knows of each candidate, by which rule (tables simbad,
    verdict_rules, object_types), pairs of stars in both archives (pairs), what a run changed
    (score_changes); spectra as delivered and rectified by SSA and ObsCore, a service for
    each part of the archives; DataLink to the archive's own files and to the evidence, SODA
    cut-outs; links between the tables in TAP_SCHEMA; pages to look at candidates.
  </meta>
  <meta name="facility">LAMOST</meta>
  <meta name="facility">Ondřejov Observatory, Perek 2m Telescope</meta>
  <meta name="instrument">LAMOST LRS, CCD700</meta>
  <meta name="type">Archive</meta>
  <meta name="contentLevel">Research</meta>
  <meta name="coverage.waveband">Optical</meta>

  <STREAM id="follow_links">
    <doc>Clients find the product and the preview of a row by DataLink.</doc>
    <meta name="_associatedDatalinkService">
      <meta name="serviceId">dl</meta>
      <meta name="idColumn">\id_column</meta>
    </meta>
  </STREAM>

  <!-- ============ tables ============ -->

  <table id="spectra" onDisk="True" adql="True" primary="spectrum_id">
    <meta name="description">Every file that was met, one row each, unusable ones with the
      reason. Pixels are reached by DataLink, SSA or vospec.ssa_spectra.</meta>
    <FEED source="follow_links" id_column="spectrum_id"/>
    <mixin>//scs#pgs-pos-index</mixin>
    <index columns="mjd"/>
    <index columns="collection,release,quality"/>
    <index columns="object">lower(object)</index>
    <index columns="role"/>
    <column name="spectrum_id" type="text" ucd="meta.id;meta.main" required="True" tablehead="Spectrum" verbLevel="1"
      description="Identifier of the spectrum: collection/release/name of the file"/>
    <column name="observation" type="text" ucd="meta.id;obs" tablehead="Observation"
      description="Identifier of the observation: the same in all releases of it"/>
    <column name="collection" type="text" ucd="meta.id" tablehead="Archive"
      description="Archive: lamost, sdss or ccd700"/>
    <column name="release" type="text" ucd="meta.id;meta.dataset" tablehead="Release"
      description="Data release or export format"/>
    <column name="layout" type="text" ucd="meta.code" tablehead="Layout" verbLevel="25"
      description="Layout of the file, of those of its archive"/>
    <column name="role" type="text" ucd="meta.code" tablehead="Role"
      description="Part of the archive: survey (candidates are sought there) or training">
      <values><option>survey</option><option>training</option></values>
    </column>
    <column name="object" type="text" ucd="meta.id;src" tablehead="Target" verbLevel="1"
      description="Name of the target as given by the archive"/>
    <column name="ra" type="double precision" unit="deg" ucd="pos.eq.ra;meta.main" tablehead="RA" verbLevel="1"
      description="Right ascension (ICRS) of the target as given by the archive"/>
    <column name="dec" type="double precision" unit="deg" ucd="pos.eq.dec;meta.main" tablehead="Dec" verbLevel="1"
      description="Declination (ICRS) of the target as given by the archive"/>
    <column name="mjd" type="double precision" unit="d" ucd="time.epoch;obs.exposure" utype="spec:Spectrum.Char.TimeAxis.Coverage.Location.Value" tablehead="MJD"
      description="Modified Julian Date (UTC) of mid exposure, or of its start where no length is known"/>
    <column name="exposure_seconds" type="real" unit="s" ucd="time.duration;obs.exposure" utype="spec:Spectrum.Char.TimeAxis.Coverage.Bounds.Extent" tablehead="Exposure"
      description="Length of the exposure"/>
    <column name="snr" type="real" ucd="stat.snr" utype="spec:Spectrum.Derived.SNR" tablehead="S/N"
      description="Signal to noise per pixel in the r band as given by the archive"/>
    <column name="snr_u" type="real" ucd="stat.snr;em.opt.U" tablehead="S/N (u)" verbLevel="25"
      description="Signal to noise per pixel in the u band as given by the archive"/>
    <column name="snr_g" type="real" ucd="stat.snr;em.opt.B" tablehead="S/N (g)" verbLevel="25"
      description="Signal to noise per pixel in the g band as given by the archive"/>
    <column name="snr_i" type="real" ucd="stat.snr;em.opt.I" tablehead="S/N (i)" verbLevel="25"
      description="Signal to noise per pixel in the i band as given by the archive"/>
    <column name="snr_z" type="real" ucd="stat.snr;em.opt.I" tablehead="S/N (z)" verbLevel="25"
      description="Signal to noise per pixel in the z band as given by the archive"/>
    <column name="mag_g" type="real" unit="mag" ucd="phot.mag;em.opt.B" tablehead="g" verbLevel="25"
      description="Magnitude in g that the target was chosen by, of the archive's input catalogue"/>
    <column name="mag_r" type="real" unit="mag" ucd="phot.mag;em.opt.R" tablehead="r" verbLevel="25"
      description="Magnitude in r that the target was chosen by, of the archive's input catalogue"/>
    <column name="mag_i" type="real" unit="mag" ucd="phot.mag;em.opt.I" tablehead="i" verbLevel="25"
      description="Magnitude in i that the target was chosen by, of the archive's input catalogue"/>
    <column name="resolving_power" type="real" ucd="spect.resolution" utype="spec:Spectrum.Char.SpectralAxis.ResPower" tablehead="R"
      description="Resolving power near Hα"/>
    <column name="spectral_start" type="double precision" unit="Angstrom" ucd="em.wl;stat.min" tablehead="First λ"
      description="Vacuum wavelength of the first pixel"/>
    <column name="spectral_stop" type="double precision" unit="Angstrom" ucd="em.wl;stat.max" tablehead="Last λ"
      description="Vacuum wavelength of the last pixel"/>
    <column name="n_pixels" type="integer" ucd="meta.number" tablehead="Pixels"
      description="Number of pixels of the spectrum">
      <values nullLiteral="-2147483648"/>
    </column>
    <column name="archive_class" type="text" ucd="src.class" tablehead="Archive's class"
      description="Class given by the archive"/>
    <column name="archive_subclass" type="text" ucd="src.spType" tablehead="Archive's type"
      description="Subclass (spectral type) given by the archive"/>
    <column name="archive_id" type="text" ucd="meta.id" tablehead="Archive's id"
      description="Identifier in the archive: publisher DID of CCD700, OBSID of LAMOST, SPEC_ID of SDSS"/>
    <column name="redshift" type="real" ucd="src.redshift" tablehead="z"
      description="Redshift as given by the archive"/>
    <column name="plan" type="text" ucd="meta.id;obs.field" tablehead="Plan" verbLevel="25"
      description="Plan (LAMOST) or plate (SDSS) of the observation"/>
    <column name="spectrograph" type="smallint" ucd="meta.id;instr" tablehead="Spectrograph" verbLevel="25"
      description="Spectrograph that took the spectrum">
      <values nullLiteral="-32768"/>
    </column>
    <column name="fibre" type="smallint" ucd="meta.id;instr" tablehead="Fibre" verbLevel="25"
      description="Fibre that took the spectrum">
      <values nullLiteral="-32768"/>
    </column>
    <column name="quality" type="integer" ucd="meta.code.qual" tablehead="Quality" verbLevel="25"
      description="Sum of quality flags; 0 is without fault: 1 the file cannot be opened or is damaged; 2 the file is of none of the known archives' layouts; 4 another file of the same identity was taken; 8 the header gives no usable position; 16 the header gives no usable time; 32 the spectrum does not cover the common grid; 64 flux is zero or negative over the grid; 128 too many bad pixels within the grid; 256 a few bad grid elements were interpolated; 512 no continuum could be fitted; 1024 header cards that the archive promises are missing">
      <values nullLiteral="-2147483648"/>
    </column>
    <column name="reason" type="text" ucd="meta.note" tablehead="Reason"
      description="Why the spectrum is flagged, in words"/>
    <column name="checksum" type="text" ucd="meta.code" tablehead="SHA-256" verbLevel="25"
      description="SHA-256 of the original file"/>
  </table>

  <table id="pixels" onDisk="True" adql="False" primary="spectrum_id">
    <meta name="description">Pixels of the spectra, packed; product and preview are made
      from them.</meta>
    <column name="spectrum_id" type="text" required="True"
      description="Identifier of the spectrum"/>
    <column name="origin" type="text"
      description="Checksum of the file and version of its reader"/>
    <column name="spectral_axis" type="bytea" required="True"
      description="Vacuum wavelengths in Å, double precision, little-endian"/>
    <column name="flux" type="bytea" required="True" description="Flux, real, little-endian"/>
    <column name="ivar" type="bytea"
      description="Inverse variance of the flux, real, little-endian">
      <values nullLiteral="0"/>
    </column>
    <column name="mask" type="bytea" required="True" description="1 where a pixel is bad, a byte each"/>
  </table>

  <table id="originals" onDisk="True" adql="False" primary="spectrum_id">
    <meta name="description">The files that spectra were read from; those of this machine
      are products of DaCHS, too.</meta>
    <column name="spectrum_id" type="text" required="True"
      description="Identifier of the spectrum"/>
    <column name="path" type="text" required="True" description="Where the original file lies"/>
    <column name="quoted/size" type="bigint" description="Length of the original file">
      <values nullLiteral="-9223372036854775808"/>
    </column>
    <column name="mime" type="text" required="True" description="Media type of the file"/>
  </table>

  <table id="reports" onDisk="True" adql="False" primary="run_id">
    <meta name="description">Reports of runs, which the service report shows.</meta>
    <column name="run_id" type="text" required="True" description="Identifier of the run"/>
    <column name="made" type="timestamp" required="True" description="When it was written (UTC)"/>
    <column name="outcome" type="text" required="True" description="What became of the run"/>
    <column name="page" type="text" required="True" description="The report as HTML"/>
    <column name="facts" type="text" required="True" description="The report as JSON"/>
  </table>

  <table id="features" onDisk="True" adql="True" primary="spectrum_id">
    <meta name="description">Rectified spectra on the common grid: the vectors that the
      learning sees. The table grid holds the vacuum wavelengths of the elements.</meta>
    <FEED source="follow_links" id_column="spectrum_id"/>
    <index columns="peak_height"/>
    <foreignKey inTable="spectra" source="spectrum_id" metaOnly="True"/>
    <column name="spectrum_id" type="text" ucd="meta.id;meta.main" required="True" tablehead="Spectrum" verbLevel="1"
      description="Identifier of the spectrum: collection/release/name of the file"/>
    <column name="flux" type="real[]" ucd="phot.flux.density;em.wl;arith.ratio" utype="spec:Spectrum.Data.FluxAxis.Value" tablehead="Rectified flux"
      description="Flux over continuum at the wavelengths of the table grid"/>
    <column name="continuum_noise" type="real" ucd="stat.stdev;phot.flux.density" tablehead="Noise" verbLevel="25"
      description="Robust scatter of the rectified flux outside the lines"/>
    <column name="n_interpolated" type="smallint" ucd="meta.number" tablehead="Interpolated" verbLevel="25"
      description="Number of grid elements interpolated over bad pixels">
      <values nullLiteral="-32768"/>
    </column>
    <column name="quality" type="integer" ucd="meta.code.qual" tablehead="Quality" verbLevel="25"
      description="Sum of quality flags; 0 is without fault: 1 the file cannot be opened or is damaged; 2 the file is of none of the known archives' layouts; 4 another file of the same identity was taken; 8 the header gives no usable position; 16 the header gives no usable time; 32 the spectrum does not cover the common grid; 64 flux is zero or negative over the grid; 128 too many bad pixels within the grid; 256 a few bad grid elements were interpolated; 512 no continuum could be fitted; 1024 header cards that the archive promises are missing">
      <values nullLiteral="-2147483648"/>
    </column>
    <column name="equivalent_width" type="real" unit="Angstrom" ucd="spect.line.eqWidth" tablehead="EW(Hα)"
      description="Equivalent width of Hα over 6544.6–6584.6 Å, emission negative"/>
    <column name="equivalent_width_error" type="real" unit="Angstrom" ucd="stat.error;spect.line.eqWidth" tablehead="± EW"
      description="Standard error of equivalent_width from noise, in the line and in the continuum under it"/>
    <column name="peak_height" type="real" ucd="spect.line.intensity" tablehead="Peak(Hα)"
      description="Largest rectified flux within 10 Å of Hα, minus 1"/>
    <column name="fwhm" type="real" unit="Angstrom" ucd="spect.line.width" tablehead="FWHM"
      description="Full width of the emission at half of peak_height, outermost flanks, instrument's width included; NULL without a peak"/>
    <column name="n_peaks" type="smallint" ucd="meta.number;spect.line" tablehead="Peaks"
      description="Number of peaks within 10 Å of Hα, 4 standard deviations above the continuum and 3 above what lies between them">
      <values nullLiteral="-32768"/>
    </column>
    <column name="peak_separation" type="real" unit="km/s" ucd="phys.veloc;arith.diff" tablehead="Peak sep."
      description="Separation of the two highest peaks, as the instrument shows them; NULL without two peaks"/>
    <column name="violet_to_red" type="real" ucd="spect.line.intensity;arith.ratio" tablehead="V/R"
      description="V/R: height above the continuum of the violet over that of the red one of the two highest peaks, (F_V − 1) / (F_R − 1); NULL without two peaks"/>
    <column name="central_depth" type="real" ucd="spect.line.intensity;arith.ratio" tablehead="Depth" verbLevel="25"
      description="Depth of the lowest flux between the two highest peaks under their mean, over their mean: 1 − 2 F / (F_V + F_R); NULL without two peaks"/>
    <column name="helium_6678" type="real" unit="Angstrom" ucd="spect.line.eqWidth" tablehead="EW(He I 6678)" verbLevel="25"
      description="Equivalent width of He I 6678 (6679.99 Å in vacuum) over 6673–6687 Å, emission negative"/>
    <column name="nitrogen_6548" type="real" unit="Angstrom" ucd="spect.line.eqWidth" tablehead="EW([N II] 6548)" verbLevel="25"
      description="Equivalent width of [N II] 6548 (6549.86 Å in vacuum) as an unresolved line over the flux within 10 Å, emission negative; at rest, or at the gas's velocity where line_flags tells of it; NULL where the grid does not hold it"/>
    <column name="nitrogen_6583" type="real" unit="Angstrom" ucd="spect.line.eqWidth" tablehead="EW([N II] 6583)" verbLevel="25"
      description="Equivalent width of [N II] 6583 (6585.27 Å in vacuum) as an unresolved line over the flux within 10 Å, emission negative; at rest, or at the gas's velocity where line_flags tells of it; NULL where the grid does not hold it"/>
    <column name="sulphur_6716" type="real" unit="Angstrom" ucd="spect.line.eqWidth" tablehead="EW([S II] 6716)" verbLevel="25"
      description="Equivalent width of [S II] 6716 (6718.29 Å in vacuum) as an unresolved line over the flux within 10 Å, emission negative; at rest, or at the gas's velocity where line_flags tells of it; NULL where the grid does not hold it"/>
    <column name="sulphur_6731" type="real" unit="Angstrom" ucd="spect.line.eqWidth" tablehead="EW([S II] 6731)" verbLevel="25"
      description="Equivalent width of [S II] 6731 (6732.67 Å in vacuum) as an unresolved line over the flux within 10 Å, emission negative; at rest, or at the gas's velocity where line_flags tells of it; NULL where the grid does not hold it"/>
    <column name="line_flags" type="integer" ucd="meta.code" tablehead="Line flags"
      description="Sum of flags of what mimics a star's emission; 0 where nothing does: 1 forbidden lines [N II] or [S II] in the ratios of ionised gas; 2 residues of the night sky's OH lines on both sides of Hα; 4 a spike narrower than the instrument can draw a line; 8 a step where the arms of the spectrograph meet, near 5800 Å">
      <values nullLiteral="-2147483648"/>
    </column>
  </table>

  <table id="feature_summary" onDisk="True" adql="True" primary="spectrum_id">
    <meta name="description">The table features without its array, for scrolling.</meta>
    <index columns="peak_height"/>
    <foreignKey inTable="spectra" source="spectrum_id" metaOnly="True"/>
    <foreignKey inTable="features" source="spectrum_id" metaOnly="True"/>
    <column original="features.spectrum_id"/>
    <column original="features.continuum_noise"/>
    <column original="features.n_interpolated"/>
    <column original="features.quality"/>
    <column original="features.equivalent_width"/>
    <column original="features.equivalent_width_error"/>
    <column original="features.peak_height"/>
    <column original="features.fwhm"/>
    <column original="features.n_peaks"/>
    <column original="features.peak_separation"/>
    <column original="features.violet_to_red"/>
    <column original="features.central_depth"/>
    <column original="features.helium_6678"/>
    <column original="features.nitrogen_6548"/>
    <column original="features.nitrogen_6583"/>
    <column original="features.sulphur_6716"/>
    <column original="features.sulphur_6731"/>
    <column original="features.line_flags"/>
  </table>

  <table id="grid" onDisk="True" adql="True" primary="element">
    <meta name="description">Wavelengths of the feature elements</meta>
    <column name="element" type="smallint" ucd="meta.id;meta.main" required="True" tablehead="Element"
      description="Index of the element, from 1"/>
    <column name="wavelength" type="double precision" unit="Angstrom" ucd="em.wl" tablehead="λ"
      description="Vacuum wavelength of the centre of the element"/>
    <column name="wavelength_air" type="double precision" unit="Angstrom" ucd="em.wl;obs.atmos" tablehead="λ (air)"
      description="Air wavelength of the centre of the element"/>
  </table>

  <table id="labels" onDisk="True" adql="True" primary="spectrum_id,source,author,labelled_at">
    <meta name="description">Classes given to spectra by an archive or a person;
      superseded labels stay</meta>
    <index columns="spectrum_id"/>
    <foreignKey inTable="spectra" source="spectrum_id" metaOnly="True"/>
    <column name="spectrum_id" type="text" ucd="meta.id;meta.main" required="True" tablehead="Spectrum" verbLevel="1"
      description="Identifier of the spectrum: collection/release/name of the file"/>
    <column name="class" type="text" ucd="src.class" tablehead="Class" verbLevel="1"
      description="Class: absorption, emission, double_peak, artefact">
      <values><option>absorption</option><option>emission</option><option>double_peak</option><option>artefact</option></values>
    </column>
    <column name="source" type="text" ucd="meta.code" required="True" tablehead="Source"
      description="Kind of source: archive or person">
      <values><option>archive</option><option>person</option></values>
    </column>
    <column name="author" type="text" ucd="meta.bib.author" required="True" tablehead="Author"
      description="Who gave the label"/>
    <column name="labelled_at" type="timestamp" ucd="time.creation" required="True" tablehead="Labelled"
      description="When the label was given (UTC)"/>
    <column name="superseded_at" type="timestamp" ucd="time.end" tablehead="Superseded"
      description="When another label took its place (UTC); NULL where it holds"/>
  </table>

  <table id="runs" onDisk="True" adql="True" primary="run_id">
    <meta name="description">Passes from features to scores</meta>
    <column name="run_id" type="text" ucd="meta.id;meta.main" required="True" tablehead="Run" verbLevel="25"
      description="Identifier of the run"/>
    <column name="method" type="text" ucd="meta.code.class" tablehead="Method"
      description="Method: label_propagation or label_spreading">
      <values><option>label_propagation</option><option>label_spreading</option></values>
    </column>
    <column name="parameters" type="text" ucd="meta.note" tablehead="Parameters" verbLevel="25"
      description="Parameters of the method (JSON)"/>
    <column name="versions" type="text" ucd="meta.version" tablehead="Versions" verbLevel="25"
      description="Versions of the software (JSON)"/>
    <column name="n_spectra" type="bigint" ucd="meta.number" tablehead="Spectra"
      description="Number of spectra met">
      <values nullLiteral="-9223372036854775808"/>
    </column>
    <column name="n_usable" type="bigint" ucd="meta.number" tablehead="Usable"
      description="Number of spectra with features">
      <values nullLiteral="-9223372036854775808"/>
    </column>
    <column name="n_labelled" type="bigint" ucd="meta.number" tablehead="Labelled"
      description="Number of labelled spectra">
      <values nullLiteral="-9223372036854775808"/>
    </column>
    <column name="n_candidates" type="bigint" ucd="meta.number" tablehead="Candidates"
      description="Number of candidates">
      <values nullLiteral="-9223372036854775808"/>
    </column>
    <column name="n_iter" type="integer" ucd="meta.number" tablehead="Iterations"
      description="Iterations of the propagation">
      <values nullLiteral="-2147483648"/>
    </column>
    <column name="converged" type="boolean" ucd="meta.code" required="True" tablehead="Converged"
      description="Whether the propagation converged"/>
    <column name="average_precision" type="real" ucd="stat.value" tablehead="Average precision"
      description="Average precision of the score where the true classes are known (simulations)"/>
    <column name="target_share" type="double precision" ucd="stat.probability" tablehead="Target share"
      description="Share of the target classes in the survey, estimated from the scores, that the column probability is for; NULL where calibration_note says why"/>
    <column name="calibration_slope" type="double precision" ucd="stat.fit.param" tablehead="Slope" verbLevel="25"
      description="Slope a of probability = 1 / (1 + exp(-a x - b)), x = ln(score / (1 - score)), score within 1e-6 of 0 and 1 taken as that far from them"/>
    <column name="calibration_intercept" type="double precision" ucd="stat.fit.param" tablehead="Intercept" verbLevel="25"
      description="Intercept b of the same, for the target_share"/>
    <column name="brier" type="double precision" ucd="stat.value" tablehead="Brier"
      description="Mean squared difference of probability and truth of the labelled spectra in the table reliability, 0 at best"/>
    <column name="calibration_error" type="double precision" ucd="stat.value" tablehead="Calibration error"
      description="Mean difference of predicted and observed in the table reliability, 0 at best"/>
    <column name="candidate_precision" type="double precision" ucd="stat.probability;arith.ratio" tablehead="Precision"
      description="Expected share of the target classes among the candidates of the run"/>
    <column name="candidate_precision_error" type="double precision" ucd="stat.stdev;stat.probability" tablehead="± precision"
      description="Standard deviation of candidate_precision from the numbers of labelled and of found spectra; what the survey's spectra have that no label resembles is not in it"/>
    <column name="calibration_note" type="text" ucd="meta.note" tablehead="Note"
      description="Why the run has no probabilities; NULL where it has them"/>
    <column name="started" type="timestamp" ucd="time.start" tablehead="Started"
      description="Start of the run (UTC)"/>
    <column name="ended" type="timestamp" ucd="time.end" tablehead="Ended"
      description="End of the run (UTC)"/>
    <column name="state" type="text" ucd="meta.code.status" tablehead="State"
      description="State of the run: current or kept">
      <values><option>current</option><option>kept</option></values>
    </column>
  </table>

  <table id="reliability" onDisk="True" adql="True" primary="run_id,bin_start">
    <meta name="description">Whether probabilities hold: labelled spectra that were scored
      without the labels of their star, by run and bin of probability; probabilities here are
      for the labels' own share of targets</meta>
    <foreignKey inTable="runs" source="run_id" metaOnly="True"/>
    <column name="run_id" type="text" ucd="meta.id" required="True" tablehead="Run" verbLevel="25"
      description="Identifier of the run that gave this row"/>
    <column name="bin_start" type="double precision" ucd="stat.probability;stat.min" required="True" tablehead="From"
      description="Least probability of the bin"/>
    <column name="bin_stop" type="double precision" ucd="stat.probability;stat.max" tablehead="To"
      description="Probability at which the next bin begins"/>
    <column name="n" type="bigint" ucd="meta.number" tablehead="N"
      description="Number of spectra">
      <values nullLiteral="-9223372036854775808"/>
    </column>
    <column name="predicted" type="double precision" ucd="stat.probability;stat.mean" tablehead="Predicted"
      description="Mean probability of the spectra; NULL where there are none"/>
    <column name="observed" type="double precision" ucd="stat.probability;arith.ratio" tablehead="Observed"
      description="Share of the spectra whose label is a target class; NULL where there are none"/>
  </table>

  <table id="thresholds" onDisk="True" adql="True" primary="run_id,threshold">
    <meta name="description">What thresholds of the score are worth, by run: expected, from the
      probabilities of the survey's spectra</meta>
    <foreignKey inTable="runs" source="run_id" metaOnly="True"/>
    <column name="run_id" type="text" ucd="meta.id" required="True" tablehead="Run" verbLevel="25"
      description="Identifier of the run that gave this row"/>
    <column name="threshold" type="double precision" ucd="stat.probability;stat.min" required="True" tablehead="Threshold"
      description="Least score"/>
    <column name="n" type="bigint" ucd="meta.number" tablehead="N"
      description="Number of spectra">
      <values nullLiteral="-9223372036854775808"/>
    </column>
    <column name="expected_precision" type="double precision" ucd="stat.probability;arith.ratio" tablehead="Precision"
      description="Expected share of the target classes among the spectra; NULL where there are none"/>
    <column name="expected_precision_error" type="double precision" ucd="stat.stdev;stat.probability" tablehead="± precision"
      description="Standard deviation of expected_precision from the numbers of labelled and of found spectra; what the survey's spectra have that no label resembles is not in it"/>
    <column name="expected_recall" type="double precision" ucd="stat.probability;arith.ratio" tablehead="Recall"
      description="Expected part of all spectra of the target classes that is among these"/>
  </table>

  <table id="scores" onDisk="True" adql="True" primary="run_id,spectrum_id">
    <meta name="description">Scores of every usable spectrum for every class, by run; the
      current run is the one whose state in the table runs is current.</meta>
    <index columns="spectrum_id"/>
    <index columns="score"/>
    <foreignKey inTable="runs" source="run_id" metaOnly="True"/>
    <foreignKey inTable="spectra" source="spectrum_id" metaOnly="True"/>
    <column name="run_id" type="text" ucd="meta.id" required="True" tablehead="Run" verbLevel="25"
      description="Identifier of the run that gave this row"/>
    <column name="spectrum_id" type="text" ucd="meta.id;meta.main" required="True" tablehead="Spectrum" verbLevel="1"
      description="Identifier of the spectrum: collection/release/name of the file"/>
    <column name="p_absorption" type="real" ucd="stat.probability" tablehead="P(absorption)" verbLevel="25"
      description="Share of class absorption in the label distribution; NULL where no label reaches"/>
    <column name="p_emission" type="real" ucd="stat.probability" tablehead="P(emission)" verbLevel="25"
      description="Share of class emission in the label distribution; NULL where no label reaches"/>
    <column name="p_double_peak" type="real" ucd="stat.probability" tablehead="P(double peak)" verbLevel="25"
      description="Share of class double_peak in the label distribution; NULL where no label reaches"/>
    <column name="p_artefact" type="real" ucd="stat.probability" tablehead="P(artefact)" verbLevel="25"
      description="Share of class artefact in the label distribution; NULL where no label reaches"/>
    <column name="score" type="real" ucd="stat.probability;src.class" tablehead="Score" verbLevel="1"
      description="Sum of the shares of the target classes (emission, double_peak), halved where no line stands above the continuum at Hα"/>
    <column name="probability" type="real" ucd="stat.probability" tablehead="Probability" verbLevel="1"
      description="Probability of being of a target class (emission, double_peak): the score calibrated on labelled spectra that were scored without the labels of their star, for the share of such spectra in the survey; of a labelled spectrum, from its score without these labels; NULL where there is no score or labels are too few"/>
    <column name="rank" type="integer" ucd="meta.id;stat.value" tablehead="Rank" verbLevel="1"
      description="Rank by score among the survey's spectra, best is 1, of equal scores the clearer line at Hα first; NULL for training spectra and for those that came after the run">
      <values nullLiteral="-2147483648"/>
    </column>
    <column name="entropy" type="real" unit="bit" ucd="stat.value" tablehead="Entropy" verbLevel="25"
      description="Entropy of the label distribution"/>
  </table>

  <table id="candidates" onDisk="True" adql="True" primary="run_id,spectrum_id">
    <meta name="description">The best scores of the current run, with all that is needed
      to judge them</meta>
    <FEED source="follow_links" id_column="spectrum_id"/>
    <mixin>//scs#pgs-pos-index</mixin>
    <index columns="score"/>
    <index columns="rank"/>
    <foreignKey inTable="runs" source="run_id" metaOnly="True"/>
    <foreignKey inTable="spectra" source="spectrum_id" metaOnly="True"/>
    <foreignKey inTable="scores" source="run_id,spectrum_id" metaOnly="True"/>
    <column name="run_id" type="text" ucd="meta.id" required="True" tablehead="Run" verbLevel="25"
      description="Identifier of the run that gave this row"/>
    <column name="spectrum_id" type="text" ucd="meta.id;meta.main" required="True" tablehead="Spectrum" verbLevel="1"
      description="Identifier of the spectrum: collection/release/name of the file"/>
    <column name="rank" type="integer" ucd="meta.id;stat.value" tablehead="Rank" verbLevel="1"
      description="Rank by score among the survey's spectra, best is 1, of equal scores the clearer line at Hα first; NULL for training spectra and for those that came after the run">
      <values nullLiteral="-2147483648"/>
    </column>
    <column name="score" type="real" ucd="stat.probability;src.class" tablehead="Score" verbLevel="1"
      description="Sum of the shares of the target classes (emission, double_peak), halved where no line stands above the continuum at Hα"/>
    <column name="probability" type="real" ucd="stat.probability" tablehead="Probability" verbLevel="1"
      description="Probability of being of a target class (emission, double_peak): the score calibrated on labelled spectra that were scored without the labels of their star, for the share of such spectra in the survey; of a labelled spectrum, from its score without these labels; NULL where there is no score or labels are too few"/>
    <column name="p_absorption" type="real" ucd="stat.probability" tablehead="P(absorption)" verbLevel="25"
      description="Share of class absorption in the label distribution; NULL where no label reaches"/>
    <column name="p_emission" type="real" ucd="stat.probability" tablehead="P(emission)" verbLevel="25"
      description="Share of class emission in the label distribution; NULL where no label reaches"/>
    <column name="p_double_peak" type="real" ucd="stat.probability" tablehead="P(double peak)" verbLevel="25"
      description="Share of class double_peak in the label distribution; NULL where no label reaches"/>
    <column name="p_artefact" type="real" ucd="stat.probability" tablehead="P(artefact)" verbLevel="25"
      description="Share of class artefact in the label distribution; NULL where no label reaches"/>
    <column name="class" type="text" ucd="src.class" tablehead="Class" verbLevel="1"
      description="Class of the largest share">
      <values><option>absorption</option><option>emission</option><option>double_peak</option><option>artefact</option></values>
    </column>
    <column name="collection" type="text" ucd="meta.id" tablehead="Archive"
      description="Archive: lamost, sdss or ccd700"/>
    <column name="release" type="text" ucd="meta.id;meta.dataset" tablehead="Release"
      description="Data release or export format"/>
    <column name="object" type="text" ucd="meta.id;src" tablehead="Target" verbLevel="1"
      description="Name of the target as given by the archive"/>
    <column name="ra" type="double precision" unit="deg" ucd="pos.eq.ra;meta.main" tablehead="RA" verbLevel="1"
      description="Right ascension (ICRS) of the target as given by the archive"/>
    <column name="dec" type="double precision" unit="deg" ucd="pos.eq.dec;meta.main" tablehead="Dec" verbLevel="1"
      description="Declination (ICRS) of the target as given by the archive"/>
    <column name="mjd" type="double precision" unit="d" ucd="time.epoch;obs.exposure" utype="spec:Spectrum.Char.TimeAxis.Coverage.Location.Value" tablehead="MJD"
      description="Modified Julian Date (UTC) of mid exposure, or of its start where no length is known"/>
    <column name="snr" type="real" ucd="stat.snr" utype="spec:Spectrum.Derived.SNR" tablehead="S/N"
      description="Signal to noise per pixel in the r band as given by the archive"/>
    <column name="archive_class" type="text" ucd="src.class" tablehead="Archive's class"
      description="Class given by the archive"/>
    <column name="archive_subclass" type="text" ucd="src.spType" tablehead="Archive's type"
      description="Subclass (spectral type) given by the archive"/>
    <column name="equivalent_width" type="real" unit="Angstrom" ucd="spect.line.eqWidth" tablehead="EW(Hα)"
      description="Equivalent width of Hα over 6544.6–6584.6 Å, emission negative"/>
    <column name="equivalent_width_error" type="real" unit="Angstrom" ucd="stat.error;spect.line.eqWidth" tablehead="± EW"
      description="Standard error of equivalent_width from noise, in the line and in the continuum under it"/>
    <column name="peak_height" type="real" ucd="spect.line.intensity" tablehead="Peak(Hα)"
      description="Largest rectified flux within 10 Å of Hα, minus 1"/>
    <column name="fwhm" type="real" unit="Angstrom" ucd="spect.line.width" tablehead="FWHM"
      description="Full width of the emission at half of peak_height, outermost flanks, instrument's width included; NULL without a peak"/>
    <column name="n_peaks" type="smallint" ucd="meta.number;spect.line" tablehead="Peaks"
      description="Number of peaks within 10 Å of Hα, 4 standard deviations above the continuum and 3 above what lies between them">
      <values nullLiteral="-32768"/>
    </column>
    <column name="peak_separation" type="real" unit="km/s" ucd="phys.veloc;arith.diff" tablehead="Peak sep."
      description="Separation of the two highest peaks, as the instrument shows them; NULL without two peaks"/>
    <column name="violet_to_red" type="real" ucd="spect.line.intensity;arith.ratio" tablehead="V/R"
      description="V/R: height above the continuum of the violet over that of the red one of the two highest peaks, (F_V − 1) / (F_R − 1); NULL without two peaks"/>
    <column name="central_depth" type="real" ucd="spect.line.intensity;arith.ratio" tablehead="Depth" verbLevel="25"
      description="Depth of the lowest flux between the two highest peaks under their mean, over their mean: 1 − 2 F / (F_V + F_R); NULL without two peaks"/>
    <column name="helium_6678" type="real" unit="Angstrom" ucd="spect.line.eqWidth" tablehead="EW(He I 6678)" verbLevel="25"
      description="Equivalent width of He I 6678 (6679.99 Å in vacuum) over 6673–6687 Å, emission negative"/>
    <column name="nitrogen_6548" type="real" unit="Angstrom" ucd="spect.line.eqWidth" tablehead="EW([N II] 6548)" verbLevel="25"
      description="Equivalent width of [N II] 6548 (6549.86 Å in vacuum) as an unresolved line over the flux within 10 Å, emission negative; at rest, or at the gas's velocity where line_flags tells of it; NULL where the grid does not hold it"/>
    <column name="nitrogen_6583" type="real" unit="Angstrom" ucd="spect.line.eqWidth" tablehead="EW([N II] 6583)" verbLevel="25"
      description="Equivalent width of [N II] 6583 (6585.27 Å in vacuum) as an unresolved line over the flux within 10 Å, emission negative; at rest, or at the gas's velocity where line_flags tells of it; NULL where the grid does not hold it"/>
    <column name="sulphur_6716" type="real" unit="Angstrom" ucd="spect.line.eqWidth" tablehead="EW([S II] 6716)" verbLevel="25"
      description="Equivalent width of [S II] 6716 (6718.29 Å in vacuum) as an unresolved line over the flux within 10 Å, emission negative; at rest, or at the gas's velocity where line_flags tells of it; NULL where the grid does not hold it"/>
    <column name="sulphur_6731" type="real" unit="Angstrom" ucd="spect.line.eqWidth" tablehead="EW([S II] 6731)" verbLevel="25"
      description="Equivalent width of [S II] 6731 (6732.67 Å in vacuum) as an unresolved line over the flux within 10 Å, emission negative; at rest, or at the gas's velocity where line_flags tells of it; NULL where the grid does not hold it"/>
    <column name="line_flags" type="integer" ucd="meta.code" tablehead="Line flags"
      description="Sum of flags of what mimics a star's emission; 0 where nothing does: 1 forbidden lines [N II] or [S II] in the ratios of ionised gas; 2 residues of the night sky's OH lines on both sides of Hα; 4 a spike narrower than the instrument can draw a line; 8 a step where the arms of the spectrograph meet, near 5800 Å">
      <values nullLiteral="-2147483648"/>
    </column>
    <column name="continuum_noise" type="real" ucd="stat.stdev;phot.flux.density" tablehead="Noise" verbLevel="25"
      description="Robust scatter of the rectified flux outside the lines"/>
    <column name="quality" type="integer" ucd="meta.code.qual" tablehead="Quality" verbLevel="25"
      description="Sum of quality flags; 0 is without fault: 1 the file cannot be opened or is damaged; 2 the file is of none of the known archives' layouts; 4 another file of the same identity was taken; 8 the header gives no usable position; 16 the header gives no usable time; 32 the spectrum does not cover the common grid; 64 flux is zero or negative over the grid; 128 too many bad pixels within the grid; 256 a few bad grid elements were interpolated; 512 no continuum could be fitted; 1024 header cards that the archive promises are missing">
      <values nullLiteral="-2147483648"/>
    </column>
    <column name="verdict" type="text" ucd="meta.code.class" tablehead="SIMBAD's verdict" verbLevel="1"
      description="What SIMBAD makes of the star: known_emission_star, a star with emission lines, or of a kind that has them; known_other_star, another star; contaminant, no star or not one alone: planetary nebula, H II region, galaxy, quasar; unclear, a source whose nature SIMBAD does not tell; not_in_simbad, no source within the radius; not_asked, nobody has asked yet; service_failed, asked without an answer">
      <values><option>known_emission_star</option><option>known_other_star</option><option>contaminant</option><option>unclear</option><option>not_in_simbad</option><option>not_asked</option><option>service_failed</option></values>
    </column>
    <column name="main_id" type="text" ucd="meta.id.cross" tablehead="SIMBAD"
      description="Main identifier in SIMBAD"/>
    <column name="otype" type="text" ucd="src.class" tablehead="Object type"
      description="Main object type in SIMBAD, as its short code"/>
    <column name="otypes" type="text" ucd="src.class" tablehead="Object types" verbLevel="25"
      description="All object types in SIMBAD, codes with | between them"/>
    <column name="sp_type" type="text" ucd="src.spType" tablehead="Spectral type"
      description="Spectral type in SIMBAD"/>
    <column name="separation" type="real" unit="arcsec" ucd="pos.angDistance" tablehead="Separation"
      description="Separation of the two positions; of SIMBAD's sources the nearest is taken"/>
    <column name="n_sources" type="integer" ucd="meta.number;src" tablehead="Sources" verbLevel="25"
      description="Number of SIMBAD's sources within the radius">
      <values nullLiteral="-2147483648"/>
    </column>
    <column name="asked_at" type="timestamp" ucd="time.processing" tablehead="Asked" verbLevel="25"
      description="When SIMBAD was asked (UTC)"/>
    <column name="preview" type="text" ucd="meta.ref.url;meta.preview" displayHint="type=url" tablehead="Preview"
      description="Address of a picture of the spectrum (PNG)"/>
    <column name="datalink" type="text" ucd="meta.ref.url" displayHint="type=url" tablehead="DataLink"
      description="Address of all that belongs to the spectrum (DataLink)"/>
  </table>

  <table id="neighbours" onDisk="True" adql="True" primary="run_id,spectrum_id,kind,place">
    <meta name="description">Why candidates of the current run are candidates: their neighbours
      in the graph, and the labelled spectra from which their class shares come. Links lead to
      the spectrum that is named in neighbour_id.</meta>
    <FEED source="follow_links" id_column="neighbour_id"/>
    <index columns="spectrum_id"/>
    <index columns="neighbour_id"/>
    <foreignKey inTable="runs" source="run_id" metaOnly="True"/>
    <foreignKey inTable="candidates" source="run_id,spectrum_id" metaOnly="True"/>
    <foreignKey inTable="spectra" source="neighbour_id" dest="spectrum_id" metaOnly="True"/>
    <column name="run_id" type="text" ucd="meta.id" required="True" tablehead="Run" verbLevel="25"
      description="Identifier of the run that gave this row"/>
    <column name="spectrum_id" type="text" ucd="meta.id;meta.main" required="True" tablehead="Candidate" verbLevel="1"
      description="Identifier of the candidate's spectrum"/>
    <column name="kind" type="text" ucd="meta.code" required="True" tablehead="Kind"
      description="Kind of evidence: neighbour, a spectrum joined with the candidate's by an edge of the graph; label, a labelled spectrum, near or far, from which the candidate's p_ columns come, told for the best candidates of a run only">
      <values><option>neighbour</option><option>label</option></values>
    </column>
    <column name="place" type="smallint" ucd="stat.rank" required="True" tablehead="Place"
      description="Place among the candidate's rows of this kind by share, largest is 1"/>
    <column name="neighbour_id" type="text" ucd="meta.id.assoc" tablehead="Neighbour"
      description="The spectrum_id of the neighbour or labelled spectrum"/>
    <column name="class" type="text" ucd="src.class" tablehead="Class" verbLevel="1"
      description="Class of its label; NULL where it has none">
      <values><option>absorption</option><option>emission</option><option>double_peak</option><option>artefact</option></values>
    </column>
    <column name="share" type="real" ucd="stat.weight;arith.ratio" tablehead="Share"
      description="Part of the whole, 1 if no row of the kind was left out: neighbour, weight of the edge over that of all the candidate's edges; label, what flowed from it over what flowed from all labels"/>
  </table>

  <table id="object_types" onDisk="True" adql="True" primary="otype">
    <meta name="description">SIMBAD's object types and their hierarchy, as its table otypedef told them last</meta>
    <column name="otype" type="text" ucd="src.class" required="True" tablehead="Object type" verbLevel="1"
      description="Code of the type"/>
    <column name="label" type="text" ucd="meta.title" tablehead="Name"
      description="Name of the type"/>
    <column name="description" type="text" ucd="meta.note" tablehead="Meaning"
      description="Meaning of the type"/>
    <column name="is_candidate" type="boolean" ucd="meta.code" required="True" tablehead="Candidates"
      description="Whether it is for candidates of another type, the last of the path"/>
    <column name="path" type="text" ucd="src.class" tablehead="Path"
      description="Codes of the types to which it belongs, the most general first, itself last, with &gt; between them"/>
    <column name="taken_at" type="timestamp" ucd="time.processing" tablehead="Taken"
      description="When SIMBAD told it (UTC)"/>
  </table>

  <table id="verdict_rules" onDisk="True" adql="True" primary="rule">
    <meta name="description">What is made of a source in SIMBAD: the verdict of the first of these rules that holds</meta>
    <column name="place" type="smallint" ucd="stat.rank" tablehead="Place"
      description="Place of the rule, the first is 1">
      <values nullLiteral="-32768"/>
    </column>
    <column name="rule" type="text" ucd="meta.id;meta.main" required="True" tablehead="Rule" verbLevel="1"
      description="Name of the rule"/>
    <column name="verdict" type="text" ucd="meta.code.class" tablehead="SIMBAD's verdict"
      description="What SIMBAD makes of the star: known_emission_star, a star with emission lines, or of a kind that has them; known_other_star, another star; contaminant, no star or not one alone: planetary nebula, H II region, galaxy, quasar; unclear, a source whose nature SIMBAD does not tell; not_in_simbad, no source within the radius; not_asked, nobody has asked yet; service_failed, asked without an answer">
      <values><option>known_emission_star</option><option>known_other_star</option><option>contaminant</option><option>unclear</option><option>not_in_simbad</option><option>not_asked</option><option>service_failed</option></values>
    </column>
    <column name="looks_at" type="text" ucd="meta.code" tablehead="Looks at"
      description="What of the source the rule looks at: otype, its main type; otypes, any of its types; sp_type, its spectral type">
      <values><option>otype</option><option>otypes</option><option>sp_type</option></values>
    </column>
    <column name="types" type="text" ucd="src.class" tablehead="Types"
      description="Object types for which, and for all below them in the hierarchy, the rule holds, codes with | between them; NULL: for any"/>
    <column name="of_candidates" type="text" ucd="meta.code" tablehead="Of candidates"
      description="Whether it holds for candidates of these types: only for them, never for them; NULL: for them as for what is known to be of these types">
      <values><option>only</option><option>never</option></values>
    </column>
    <column name="pattern" type="text" ucd="meta.note" tablehead="Pattern"
      description="Regular expression of what a spectral type must contain"/>
    <column name="meaning" type="text" ucd="meta.note" tablehead="Meaning"
      description="The rule in words"/>
  </table>

  <table id="simbad" onDisk="True" adql="True" primary="spectrum_id,asked_at">
    <meta name="description">What SIMBAD answered, a row for each time that it was asked about a spectrum's position</meta>
    <FEED source="follow_links" id_column="spectrum_id"/>
    <index columns="verdict"/>
    <index columns="main_id"/>
    <foreignKey inTable="spectra" source="spectrum_id" metaOnly="True"/>
    <foreignKey inTable="verdict_rules" source="rule" metaOnly="True"/>
    <column name="spectrum_id" type="text" ucd="meta.id;meta.main" required="True" tablehead="Spectrum" verbLevel="1"
      description="Identifier of the spectrum: collection/release/name of the file"/>
    <column name="asked_at" type="timestamp" ucd="time.processing" required="True" tablehead="Asked" verbLevel="25"
      description="When SIMBAD was asked (UTC)"/>
    <column name="state" type="text" ucd="meta.code.status" tablehead="State"
      description="Outcome of the question: found, nothing, failed">
      <values><option>found</option><option>nothing</option><option>failed</option></values>
    </column>
    <column name="verdict" type="text" ucd="meta.code.class" tablehead="SIMBAD's verdict" verbLevel="1"
      description="What SIMBAD makes of the star: known_emission_star, a star with emission lines, or of a kind that has them; known_other_star, another star; contaminant, no star or not one alone: planetary nebula, H II region, galaxy, quasar; unclear, a source whose nature SIMBAD does not tell; not_in_simbad, no source within the radius; not_asked, nobody has asked yet; service_failed, asked without an answer">
      <values><option>known_emission_star</option><option>known_other_star</option><option>contaminant</option><option>unclear</option><option>not_in_simbad</option><option>not_asked</option><option>service_failed</option></values>
    </column>
    <column name="rule" type="text" ucd="meta.code" tablehead="Rule"
      description="The rule of verdict_rules by which the verdict was found; NULL where there was no source"/>
    <column name="main_id" type="text" ucd="meta.id.cross" tablehead="SIMBAD"
      description="Main identifier in SIMBAD"/>
    <column name="otype" type="text" ucd="src.class" tablehead="Object type"
      description="Main object type in SIMBAD, as its short code"/>
    <column name="otypes" type="text" ucd="src.class" tablehead="Object types" verbLevel="25"
      description="All object types in SIMBAD, codes with | between them"/>
    <column name="sp_type" type="text" ucd="src.spType" tablehead="Spectral type"
      description="Spectral type in SIMBAD"/>
    <column name="separation" type="real" unit="arcsec" ucd="pos.angDistance" tablehead="Separation"
      description="Separation of the two positions; of SIMBAD's sources the nearest is taken"/>
    <column name="n_sources" type="integer" ucd="meta.number;src" tablehead="Sources" verbLevel="25"
      description="Number of SIMBAD's sources within the radius">
      <values nullLiteral="-2147483648"/>
    </column>
    <column name="radius" type="real" unit="arcsec" ucd="pos.angDistance;stat.max" tablehead="Radius" verbLevel="25"
      description="Radius around the spectrum's position within which sources were sought"/>
    <column name="radial_velocity" type="double precision" unit="km/s" ucd="spect.dopplerVeloc.opt" tablehead="RV"
      description="Heliocentric radial velocity in SIMBAD"/>
    <column name="n_references" type="integer" ucd="meta.number" tablehead="References" verbLevel="25"
      description="Number of references in SIMBAD">
      <values nullLiteral="-2147483648"/>
    </column>
    <column name="updated" type="timestamp" ucd="time.creation" tablehead="Updated" verbLevel="25"
      description="When SIMBAD last changed the object (UTC)"/>
    <column name="service" type="text" ucd="meta.ref.url" tablehead="Service" verbLevel="25"
      description="Address of the service that was asked"/>
    <column name="reason" type="text" ucd="meta.note" tablehead="Reason"
      description="Why the question failed; NULL where it did not"/>
  </table>

  <table id="score_changes" onDisk="True" adql="True" primary="spectrum_id">
    <meta name="description">What the current run changed among the candidates, against the run that was current before</meta>
    <FEED source="follow_links" id_column="spectrum_id"/>
    <foreignKey inTable="spectra" source="spectrum_id" metaOnly="True"/>
    <foreignKey inTable="runs" source="run_id" metaOnly="True"/>
    <foreignKey inTable="runs" source="previous_run_id" dest="run_id" metaOnly="True"/>
    <column name="spectrum_id" type="text" ucd="meta.id;meta.main" required="True" tablehead="Spectrum" verbLevel="1"
      description="Identifier of the spectrum: collection/release/name of the file"/>
    <column name="change" type="text" ucd="meta.code" tablehead="Change"
      description="What happened to the spectrum: entered, a candidate now and not before; left, the reverse; moved, a candidate of both runs with another score or rank; judged, with the same of both, but SIMBAD tells another thing">
      <values><option>entered</option><option>left</option><option>moved</option><option>judged</option></values>
    </column>
    <column name="run_id" type="text" ucd="meta.id" tablehead="Run" verbLevel="25"
      description="Identifier of the run that gave this row"/>
    <column name="previous_run_id" type="text" ucd="meta.id" tablehead="Previous run"
      description="The run that was current before"/>
    <column name="score" type="real" ucd="stat.probability;src.class" tablehead="Score" verbLevel="1"
      description="Sum of the shares of the target classes (emission, double_peak), halved where no line stands above the continuum at Hα"/>
    <column name="previous_score" type="real" ucd="stat.probability;src.class" tablehead="Previous score"
      description="Score as it was with the run that was current before; NULL where there was none"/>
    <column name="rank" type="integer" ucd="meta.id;stat.value" tablehead="Rank" verbLevel="1"
      description="Rank by score among the survey's spectra, best is 1, of equal scores the clearer line at Hα first; NULL for training spectra and for those that came after the run">
      <values nullLiteral="-2147483648"/>
    </column>
    <column name="previous_rank" type="integer" ucd="meta.id;stat.value" tablehead="Previous rank"
      description="Rank as it was with the run that was current before; NULL where there was none">
      <values nullLiteral="-2147483648"/>
    </column>
    <column name="verdict" type="text" ucd="meta.code.class" tablehead="SIMBAD's verdict" verbLevel="1"
      description="What SIMBAD makes of the star: known_emission_star, a star with emission lines, or of a kind that has them; known_other_star, another star; contaminant, no star or not one alone: planetary nebula, H II region, galaxy, quasar; unclear, a source whose nature SIMBAD does not tell; not_in_simbad, no source within the radius; not_asked, nobody has asked yet; service_failed, asked without an answer">
      <values><option>known_emission_star</option><option>known_other_star</option><option>contaminant</option><option>unclear</option><option>not_in_simbad</option><option>not_asked</option><option>service_failed</option></values>
    </column>
    <column name="previous_verdict" type="text" ucd="meta.code.class" tablehead="Previous verdict"
      description="Verdict as it was with the run that was current before; NULL where there was none">
      <values><option>known_emission_star</option><option>known_other_star</option><option>contaminant</option><option>unclear</option><option>not_in_simbad</option><option>not_asked</option><option>service_failed</option></values>
    </column>
    <column name="otype" type="text" ucd="src.class" tablehead="Object type"
      description="Main object type in SIMBAD, as its short code"/>
    <column name="previous_otype" type="text" ucd="src.class" tablehead="Previous type"
      description="Otype as it was with the run that was current before; NULL where there was none"/>
  </table>

  <table id="pairs" onDisk="True" adql="True" primary="training_id,survey_id">
    <meta name="description">Spectra of the training archive and of the survey that are of one star</meta>
    <FEED source="follow_links" id_column="survey_id"/>
    <index columns="survey_id"/>
    <foreignKey inTable="spectra" source="training_id" dest="spectrum_id" metaOnly="True"/>
    <foreignKey inTable="spectra" source="survey_id" dest="spectrum_id" metaOnly="True"/>
    <column name="training_id" type="text" ucd="meta.id;meta.main" required="True" tablehead="Training spectrum"
      description="The spectrum_id of the training spectrum; its publisher DID where it is not in spectra"/>
    <column name="survey_id" type="text" ucd="meta.id.assoc" required="True" tablehead="Survey spectrum"
      description="The spectrum_id of the survey spectrum; its publisher DID where it is not in spectra"/>
    <column name="training_did" type="text" ucd="meta.ref.ivoid" tablehead="DID (training)" verbLevel="25"
      description="Publisher DID of the training spectrum in its archive"/>
    <column name="survey_did" type="text" ucd="meta.ref.ivoid" tablehead="DID (survey)" verbLevel="25"
      description="Publisher DID of the survey spectrum in its archive; NULL where its files give none"/>
    <column name="object" type="text" ucd="meta.id;src" tablehead="Target" verbLevel="1"
      description="Name of the star as given by the training archive"/>
    <column name="separation" type="real" unit="arcsec" ucd="pos.angDistance" tablehead="Separation"
      description="Separation of the positions that the two archives give"/>
    <column name="found_by" type="text" ucd="meta.code" tablehead="Found by"
      description="What joins the two: position, where the archives' positions suffice; name, where that which SIMBAD gives for the name was needed">
      <values><option>position</option><option>name</option></values>
    </column>
    <column name="main_id" type="text" ucd="meta.id.cross" tablehead="SIMBAD name"
      description="Main identifier in SIMBAD of the star's name; NULL where it has none or nobody asked"/>
    <column name="name_separation" type="real" unit="arcsec" ucd="pos.angDistance" tablehead="From name" verbLevel="15"
      description="Separation of the survey's position from that which SIMBAD gives for the star's name"/>
    <column name="n_stars" type="integer" ucd="meta.number;src" tablehead="Stars" verbLevel="15"
      description="Number of the survey's stars within the radius around the training archive's star">
      <values nullLiteral="-2147483648"/>
    </column>
    <column name="separation_rank" type="integer" ucd="meta.id;stat.value" tablehead="Nearness" verbLevel="15"
      description="Place of the survey star by separation among those within the radius, 1 is the nearest">
      <values nullLiteral="-2147483648"/>
    </column>
    <column name="agreement" type="real" ucd="stat.probability;phot.flux.density" tablehead="Agreement" verbLevel="15"
      description="Share of unrelated survey spectra that agree with the training spectrum at least as well as that of the pair; 1 where they could not be compared"/>
    <column name="brightness" type="real" ucd="stat.probability;phot.mag" tablehead="Brightness" verbLevel="15"
      description="Share of unrelated survey stars that are at least as bright; 1 where no magnitude is known"/>
    <column name="chance" type="real" ucd="stat.probability" tablehead="Chance"
      description="Chance that an unrelated survey star is as good a match by separation, brightness and agreement taken together"/>
    <column name="training_mjd" type="double precision" unit="d" ucd="time.epoch;obs.exposure" tablehead="MJD (training)"
      description="Modified Julian Date (UTC) of the training spectrum"/>
    <column name="survey_mjd" type="double precision" unit="d" ucd="time.epoch;obs.exposure" tablehead="MJD (survey)"
      description="Modified Julian Date (UTC) of the survey spectrum"/>
    <column name="velocity" type="real" unit="km/s" ucd="spect.dopplerVeloc.opt;arith.diff" tablehead="Velocity"
      description="Velocity by which the adapted training spectrum is moved to agree best"/>
    <column name="residual" type="real" ucd="stat.stdev;phot.flux.density;arith.diff" tablehead="Residual"
      description="RMS difference of the two rectified spectra over 6540–6590 Å after adaptation"/>
    <column name="residual_unadapted" type="real" ucd="stat.stdev;phot.flux.density;arith.diff" tablehead="Unadapted" verbLevel="25"
      description="The same without adaptation"/>
    <column name="noise" type="real" ucd="stat.stdev;phot.flux.density" tablehead="Noise"
      description="RMS difference that the noise of the two spectra lets expect"/>
  </table>

  <!-- Identifiers of publishers and addresses of files begin with these. -->
  <macDef name="didPrefix">ivo://\getConfig{ivoa}{authority}/~?\rdId/</macDef>
  <macDef name="address">\getConfig{web}{serverURL}/\rdId/</macDef>

  <table id="datasets" onDisk="True" adql="False">
    <meta name="description">What can be had of the spectra: each as its archive delivers it and,
      where there are features, rectified</meta>
    <!-- Without joins, conditions and types that differ: PostgreSQL finds the rows of a union
    by indexes, those of a join too, where its parts are bare tables. The rows without pixels
    are left out by whoever reads it. -->
    <viewStatement>
      CREATE VIEW \curtable (\colNames) AS (
        SELECT spectrum_id, collection, release, role, object, ra, dec, mjd, exposure_seconds,
          archive_class, archive_id, redshift, resolving_power,
          'delivered'::text, '\didPrefix' || gavo_urlescape(spectrum_id),
          '\address\+product/qp/' || gavo_urlescape(spectrum_id) || '.fits',
          spectral_start, spectral_stop, n_pixels, snr, NULL::real
        FROM vospec.spectra
        UNION ALL
        SELECT spectrum_id, collection, release, role, object, ra, dec, mjd, exposure_seconds,
          archive_class, archive_id, redshift,
          -- Training spectra are brought to the resolution of the survey.
          CASE role WHEN 'training' THEN LEAST(resolving_power, 1800) ELSE resolving_power END,
          'rectified', '\didPrefix\+rectified/' || gavo_urlescape(spectrum_id),
          '\address\+rectified/qp/' || gavo_urlescape(spectrum_id) || '.rectified.fits',
          (SELECT MIN(wavelength) FROM vospec.grid), (SELECT MAX(wavelength) FROM vospec.grid),
          CASE WHEN n_pixels &gt; 0 AND EXISTS (SELECT FROM vospec.features
              WHERE features.spectrum_id = spectra.spectrum_id AND flux IS NOT NULL)
            THEN (SELECT COUNT(*) FROM vospec.grid)::integer END,
          (SELECT 1 / NULLIF(continuum_noise, 0) FROM vospec.features
            WHERE features.spectrum_id = spectra.spectrum_id)::real,
          (SELECT continuum_noise FROM vospec.features
            WHERE features.spectrum_id = spectra.spectrum_id)
        FROM vospec.spectra)
    </viewStatement>
    <column original="spectra.spectrum_id"/>
    <column original="spectra.collection"/>
    <column original="spectra.release"/>
    <column original="spectra.role"/>
    <column original="spectra.object"/>
    <column original="spectra.ra"/>
    <column original="spectra.dec"/>
    <column original="spectra.mjd"/>
    <column original="spectra.exposure_seconds"/>
    <column original="spectra.archive_class"/>
    <column original="spectra.archive_id"/>
    <column original="spectra.redshift"/>
    <column original="spectra.resolving_power"/>
    <column name="processing" type="text" ucd="meta.code"
      description="What was done to the spectrum: delivered, it is as its archive gave it; rectified, divided by its continuum, on the grid of the features, and brought to the survey's resolution where it is of the training archive"/>
    <column name="publisher_did" type="text" ucd="meta.ref.ivoid"
      description="Identifier of the dataset"/>
    <column name="address" type="text" ucd="meta.ref.url" description="Where its file is"/>
    <column original="spectra.spectral_start"/>
    <column original="spectra.spectral_stop"/>
    <column original="spectra.n_pixels"/>
    <column original="spectra.snr"/>
    <column original="features.continuum_noise"/>
  </table>

  <table id="ssa_spectra" onDisk="True" adql="True">
    <meta name="description">Spectra that have pixels, in the columns of the Simple
      Spectral Access protocol: one row for each as its archive delivers it, and another where
      it could be rectified; the table spectra tells more of them. Wavelengths are vacuum
      wavelengths in the heliocentric frame.</meta>
    <!-- DaCHS does not count the rows of its own views without being asked. -->
    <property name="forceStats">True</property>
    <FEED source="follow_links" id_column="ssa_pubDID"/>
    <mixin
      sourcetable="datasets"
      whereclause="WHERE n_pixels &gt; 0"
      accref="address"
      mime="'application/fits'"
      accsize="\+CASE processing WHEN 'rectified' THEN 2880 * (4 + (12 * n_pixels + 2879) / 2880) ELSE 2880 * (4 + (CASE collection WHEN 'ccd700' THEN 13 ELSE 21 END * n_pixels + 2879) / 2880) END"
      owner="NULL"
      embargo="NULL"
      ssa_pubDID="publisher_did"
      ssa_creatorDID="\+CASE WHEN processing = 'delivered' AND starts_with(archive_id, 'ivo:') THEN archive_id END"
      ssa_dstitle="\+collection || ' ' || release || ' ' || COALESCE(object, spectrum_id) || CASE processing WHEN 'rectified' THEN ', rectified' ELSE '' END"
      ssa_targname="object"
      ssa_targclass="archive_class"
      ssa_targetpos="\+spoint(radians(ra), radians(dec))"
      ssa_redshift="redshift"
      ssa_location="\+spoint(radians(ra), radians(dec))"
      ssa_aperture="\+vospec.aperture(collection) / 3600"
      ssa_region="\+vospec.region(ra, dec, collection)"
      ssa_dateObs="mjd"
      ssa_timeExt="exposure_seconds"
      ssa_specstart="1e-10 * spectral_start"
      ssa_specend="1e-10 * spectral_stop"
      ssa_specmid="0.5e-10 * (spectral_start + spectral_stop)"
      ssa_specext="1e-10 * (spectral_stop - spectral_start)"
      ssa_specres="6.5646e-7 / resolving_power"
      ssa_length="n_pixels"
      ssa_snr="snr"
      ssa_collection="collection"
      ssa_cversion="release"
      ssa_bandpass="'Optical'"
      ssa_instrument="\+CASE collection WHEN 'lamost' THEN 'LAMOST LRS' WHEN 'ccd700' THEN 'CCD700' WHEN 'sdss' THEN CASE WHEN starts_with(release, 'run2d-v') THEN 'BOSS' ELSE 'SDSS' END END"
      ssa_datasource="\+CASE role WHEN 'training' THEN 'pointed' ELSE 'survey' END"
      ssa_creationtype="\+CASE processing WHEN 'rectified' THEN 'filtered' ELSE 'archival' END"
      ssa_fluxcalib="\+CASE WHEN processing = 'rectified' THEN 'NORMALIZED' WHEN role = 'survey' THEN 'RELATIVE' WHEN release = 'vo' THEN 'NORMALIZED' ELSE 'UNCALIBRATED' END"
      ssa_fluxunit="\+CASE processing WHEN 'rectified' THEN '' ELSE 'ct' END"
      ssa_fluxucd="\+CASE processing WHEN 'rectified' THEN 'phot.flux.density;em.wl;arith.ratio' ELSE 'phot.flux.density;em.wl' END"
      ssa_fluxStatError="continuum_noise"
      ssa_speccalib="'ABSOLUTE'"
      ssa_spectralunit="'Angstrom'"
      ssa_spectralucd="'em.wl'"
      ssa_creator="\+CASE WHEN processing = 'rectified' THEN 'vospec' WHEN collection = 'ccd700' THEN 'Astronomical Institute of the Czech Academy of Sciences' ELSE upper(collection) END"
      ssa_reference="\+CASE processing WHEN 'rectified' THEN \sqlquote{\metaString{source}} END"
      ssa_pdate="NULL"
      ssa_publisher="'ivo://\getConfig{ivoa}{authority}'"
      customcode=", '\address\+preview/custom/' || gavo_urlescape(spectrum_id) || '.png' AS preview"
      >//ssap#view</mixin>
    <mixin
      productSubtype="\+CASE processing WHEN 'rectified' THEN 'rectified' END"
      calibLevel="\+CASE processing WHEN 'rectified' THEN 3 ELSE 2 END"
      obsId="spectrum_id"
      did="ssa_pubDID"
      tMin="ssa_dateObs - COALESCE(ssa_timeExt, 0) / 172800."
      tMax="ssa_dateObs + COALESCE(ssa_timeExt, 0) / 172800."
      t_exptime="ssa_timeExt"
      sResolution="NULL"
      coverage="ssa_region"
      emResPower="resolving_power"
      oUCD="ssa_fluxucd"
      emUCD="'em.wl'"
      facilityName="\+CASE ssa_collection WHEN 'lamost' THEN 'LAMOST' WHEN 'ccd700' THEN 'Ondřejov Observatory, Perek 2m Telescope' WHEN 'sdss' THEN 'Sloan Foundation Telescope' END"
      preview="preview"
      >//obscore#publishSSAPMIXC</mixin>
    <param name="ssa_refpos" type="text" utype="ssa:CoordSys.SpectralFrame.RefPos"
      description="Reference position of the wavelengths">HELIOCENTER</param>
    <column name="ssa_dateObs" type="double precision" unit="d" ucd="time.epoch" xtype="mjd"
      utype="ssa:Char.TimeAxis.Coverage.Location.Value" verbLevel="5" displayHint="type=humanDate"
      description="Midpoint of exposure (MJD, UTC), or its start where no length is known"/>
    <column original="spectra.spectrum_id" ucd="meta.id"/>
    <column original="datasets.role"/>
    <column original="datasets.resolving_power"/>
    <column original="datasets.processing"/>
    <column name="preview" type="text" ucd="meta.ref.url;meta.preview" displayHint="type=url"
      description="Address of a picture of the spectrum (PNG)"/>
  </table>

  <!-- Refers to a table, and so stands behind it. -->
  <coverage><updater sourceTable="ssa_spectra" spaceTable="spectra"/></coverage>

  <!-- ============ data ============ -->

  <data id="adopt" auto="False">
    <!-- With dachs imp -m only: these tables are made and filled by vospec. -->
    <make table="spectra"/>
    <make table="pixels"/>
    <make table="reports"/>
    <make table="originals"/>
    <make table="features"/>
    <make table="feature_summary"/>
    <make table="grid"/>
    <make table="labels"/>
    <make table="runs"/>
    <make table="reliability"/>
    <make table="thresholds"/>
    <make table="scores"/>
    <make table="candidates"/>
    <make table="neighbours"/>
    <make table="simbad"/>
    <make table="object_types"/>
    <make table="verdict_rules"/>
    <make table="score_changes"/>
    <make table="pairs"/>
  </data>

  <data id="make_views">
    <make table="datasets">
      <script type="postCreation" lang="SQL" name="spectra are found by what views call them">
        CREATE INDEX IF NOT EXISTS "delivered_\getConfig{ivoa}{authority}"
          ON vospec.spectra (('\didPrefix' || gavo_urlescape(spectrum_id)));
        CREATE INDEX IF NOT EXISTS "rectified_\getConfig{ivoa}{authority}"
          ON vospec.spectra (('\didPrefix\+rectified/' || gavo_urlescape(spectrum_id)));
        ANALYZE vospec.spectra;
      </script>
    </make>
    <make table="ssa_spectra"/>
  </data>

  <!-- ============ services ============ -->

  <STREAM id="by_name">
    <doc>A document that a module in res makes of the end of an address.</doc>
    <property name="queryField">name</property>
    <pythonCore>
      <inputTable>
        <inputKey name="name" type="text" multiplicity="single" required="True"
          description="spectrum_id and a suffix (.fits, .png) that may be left out"/>
      </inputTable>
      <coreProc>
        <setup imports="gavo.api, os">
          <code>
            module, _ = api.loadPythonModule(
              os.path.join(base.getConfig("inputsDir"), "\\resdir/res/\module"))
          </code>
        </setup>
        <code>
          return module.make(inputTable.getParam("name"))
        </code>
      </coreProc>
    </pythonCore>
  </STREAM>

  <service id="product" allowed="qp">
    <meta name="title">vospec spectra</meta>
    <meta name="description">One spectrum as a FITS binary table, as its archive delivers it,
      vacuum wavelengths in Å.</meta>
    <FEED source="by_name" module="product"/>
  </service>

  <service id="rectified" allowed="qp">
    <meta name="title">vospec rectified spectra</meta>
    <meta name="description">One spectrum as a FITS binary table, divided by its continuum, on
      the grid of the features.</meta>
    <FEED source="by_name" module="rectified"/>
  </service>

  <service id="preview" allowed="custom,qp" customPage="res/page">
    <meta name="title">vospec previews</meta>
    <meta name="description">One spectrum as a picture: the whole of it and, rectified, the
      surroundings of Hα.</meta>
    <!-- Only addresses of pictures of the past come here. -->
    <FEED source="by_name" module="preview"/>
  </service>

  <STREAM id="links">
    <doc>Links of one term of the DataLink vocabulary.</doc>
    <metaMaker semantics="#\term">
      <code>
        yield from descriptor.links("\term")
      </code>
    </metaMaker>
  </STREAM>

  <service id="report" allowed="qp">
    <meta name="title">vospec reports</meta>
    <meta name="description">What each run gave and whether it passed its gate: a page and JSON
      for each, index.html lists them.</meta>
    <FEED source="by_name" module="report"/>
  </service>

  <service id="health" allowed="custom" defaultRenderer="custom" customPage="res/health">
    <meta name="title">vospec health</meta>
    <meta name="description">Whether the service can answer: 200 where the database does and
      the published tables are there, 503 where not; a line of JSON.</meta>
    <nullCore/>
  </service>

  <service id="dl" allowed="dlmeta,dlget">
    <meta name="title">vospec DataLink</meta>
    <meta name="description">All that belongs to a spectrum, by its publisher DID or by its
      spectrum_id: its files, the archive's own file, the rectified spectrum, a picture, the
      labelled spectra that speak for its classes, SIMBAD's page; and parts of it (SODA).</meta>
    <meta name="dlget.description">Parts of the spectrum, as delivered or rectified, as VOTable, FITS or CSV</meta>
    <datalinkCore>
      <descriptorGenerator>
        <setup imports="gavo.api, os">
          <code>
            links, _ = api.loadPythonModule(
              os.path.join(base.getConfig("inputsDir"), "\resdir/res/links"))
          </code>
        </setup>
        <code>
          return links.describe(pubDID)
        </code>
      </descriptorGenerator>
      <FEED source="links" term="this"/>
      <FEED source="links" term="progenitor"/>
      <FEED source="links" term="derivation"/>
      <FEED source="links" term="preview"/>
      <FEED source="links" term="auxiliary"/>
      <FEED source="links" term="counterpart"/>
      <FEED source="links" term="documentation"/>
      <metaMaker>
        <code>
          yield from descriptor.parameters()
        </code>
      </metaMaker>
      <dataFunction>
        <code>
          descriptor.data = descriptor.processed(args)
        </code>
      </dataFunction>
    </datalinkCore>
  </service>

  <STREAM id="spectral_access">
    <doc>What a service of the Simple Spectral Access protocol has: the spectra of one part
      of the archives.</doc>
    <meta name="ssap.creationType">archival</meta>
    <meta name="ssap.testQuery">MAXREC=1</meta>
    <meta name="ssap.complianceLevel">full</meta>
    <publish render="ssap.xml" sets="ivo_managed"/>
    <ssapCore queriedTable="ssa_spectra">
      <!-- What DaCHS has here, but for positions, which it gives in single precision. -->
      <outputTable verbLevel="30">
        <property name="virtual">True</property>
        <FEED source="//ssap#coreOutputAdditionals">
          <EDIT ref="outputField[location_ra]" type="double precision"/>
          <EDIT ref="outputField[location_dec]" type="double precision"/>
        </FEED>
      </outputTable>
      <FEED source="//ssap#hcd_condDescs">
        <PRUNE id="coneCond"/>
        <PRUNE id="formatCond"/>
        <PRUNE id="TARGETNAME_cond"/>
        <PRUNE id="WILDTARGET_cond"/>
        <PRUNE id="WILDTARGETCASE_cond"/>
      </FEED>
      <condDesc>
        <phraseMaker>
          <code>
            yield "role = '\role'"
          </code>
        </phraseMaker>
      </condDesc>
      <!-- In DaCHS SIZE is the radius; the standard makes it the diameter. -->
      <condDesc combining="True" joiner="AND">
        <inputKey name="POS" type="text" description="ICRS position of the target" unit="deg"
          std="True" multiplicity="single"
          utype="ssa:Char.SpatialAxis.Coverage.Location.Value"/>
        <inputKey name="SIZE" description="Diameter of the region around POS; 0.02 without it"
          std="True" multiplicity="single" unit="deg"
          utype="ssa:Char.SpatialAxis.Coverage.Bounds.Extent"/>
        <phraseMaker>
          <code>
            position = pql.PQLPositionPar.fromLiteral(inPars.get("POS"), "POS")
            diameter = inputKeys[1]._parse(inPars.get("SIZE"))
            if diameter is None:
              diameter = 0.02
            if not 0 &lt;= diameter &lt;= 360:
              raise base.ValidationError("0 to 360 degrees expected", "SIZE")
            if position is not None:
              # No smaller than what a fibre sees.
              yield position.getConeSQL("ssa_location", outPars, max(diameter, 0.001) / 2)
          </code>
        </phraseMaker>
      </condDesc>
      <!-- In DaCHS words of a name match, which no index of ours finds. -->
      <condDesc>
        <inputKey original="//ssap#instance.ssa_targname" name="TARGETNAME" type="text"
          std="True" multiplicity="single"/>
        <phraseMaker>
          <code>
            name = pql.PQLCaselessPar.fromLiteral(inPars["TARGETNAME"], "TARGETNAME")
            if name is not None:
              yield name.getSQL("ssa_targname", outPars)
          </code>
        </phraseMaker>
      </condDesc>
      <!-- All files are of one format, which follows the Spectrum data model. -->
      <condDesc>
        <inputKey original="//ssap#instance.mime" name="FORMAT" type="text" std="True"
          multiplicity="single"/>
        <phraseMaker>
          <code>
            asked = pql.PQLStringPar.fromLiteral(inPars["FORMAT"].lower(), "FORMAT")
            if asked is not None and not asked.getValuesAsSet() &amp; {
                "all", "compliant", "native", "fits", "application/fits"}:
              yield "1=0"
          </code>
        </phraseMaker>
      </condDesc>
    </ssapCore>
  </STREAM>

  <service id="ssa" allowed="ssap.xml">
    <meta name="title">vospec SSA: survey spectra</meta>
    <meta name="shortName">vospec survey</meta>
    <meta name="description">Low-resolution spectra of the surveys in which candidates for
      emission-line stars are sought, as their archives deliver them and rectified around Hα.
      Vacuum wavelengths in the heliocentric frame.</meta>
    <meta name="ssap.dataSource">survey</meta>
    <FEED source="spectral_access" role="survey"/>
  </service>

  <service id="training" allowed="ssap.xml">
    <meta name="title">vospec SSA: training spectra</meta>
    <meta name="shortName">vospec training</meta>
    <meta name="description">High-resolution spectra around Hα of the archive whose labels teach
      what an emission-line star looks like, as the archive delivers them and, rectified, at the
      resolution of the survey. Vacuum wavelengths in the heliocentric frame.</meta>
    <meta name="ssap.dataSource">pointed</meta>
    <FEED source="spectral_access" role="training"/>
  </service>

  <service id="cone" allowed="scs.xml">
    <meta name="title">vospec cone search: emission-line star candidates</meta>
    <meta name="shortName">vospec cone</meta>
    <meta name="description">
      Candidates for emission-line stars (Be, B[e], Herbig Ae/Be and kin) around a position:
      the spectra of the survey with the best scores of the current run, with class, score,
      probability, measures of Hα and what SIMBAD knows of the star. One row is a spectrum;
      stars that were observed several times have several.
    </meta>
    <meta name="testQuery.ra">119.266</meta>
    <meta name="testQuery.dec">2.948</meta>
    <meta name="testQuery.sr">0.01</meta>
    <publish render="scs.xml" sets="ivo_managed,local"/>
    <scsCore queriedTable="candidates">
      <!-- In DaCHS SR ends at 90 degrees and 0 is a radius like others, where the standard
        wants all the sky and no rows; a place that is none finds nothing. -->
      <condDesc original="//scs#protoInput">
        <phraseMaker>
          <code><![CDATA[
            for name, least, most in [("RA", 0, 360), ("DEC", -90, 90), ("SR", 0, 180)]:
              if not least <= inPars[name] <= most:
                raise base.ValidationError(
                  "%s must be from %s to %s degrees, not %s" % (name, least, most, inPars[name]),
                  name)
            ra, dec, radius = inPars["RA"], inPars["DEC"], inPars["SR"]
            if radius == 0:
              yield "FALSE"
            elif radius == 180:
              yield "ra IS NOT NULL AND dec IS NOT NULL"
            else:
              outside = radius > 90
              if outside:
                ra, dec, radius = (ra + 180) % 360, -dec, 180 - radius
              keys = [base.getSQLKey(name, value, outPars)
                for name, value in [("RA", ra), ("DEC", dec), ("SR", radius)]]
              yield ("%s(spoint(radians(ra), radians(dec)) <@"
                " scircle(spoint(radians(%%(%s)s), radians(%%(%s)s)), radians(%%(%s)s)))"
                % ("NOT " if outside else "", *keys))
          ]]></code>
        </phraseMaker>
      </condDesc>
    </scsCore>
  </service>

  <STREAM id="page">
    <doc>What pages for people have in common.</doc>
    <customRF name="navigation">
      here = "/" + service.rd.sourceId
      def link(path, text):
        return T.a(href=base.makeSitePath(path))[text]
      return ctx.tag[
        link(here + "/start/volatile", "vospec"),
        link(here + "/web/form?__nevow_form__=genForm", "Candidates"),
        link("/tap/examples", "Queries"),
        link("/browse" + here, "Read me first"),
        link(here + "/web/howtocite", "How to cite"),
        link("/__system__/services/overview/form", "All services")]
    </customRF>
  </STREAM>

  <service id="web" allowed="form,static">
    <meta name="title">Emission-line star candidates</meta>
    <meta name="shortName">vospec web</meta>
    <meta name="description">
      Candidates for emission-line stars (Be, B[e], Herbig Ae/Be and kin) to look at: chosen
      by SIMBAD's verdict, class, score, line flags, double peaks, S/N, name or place, each
      with the picture of its spectrum and of Hα.
    </meta>
    <meta name="_intro" format="rst"><![CDATA[
      The candidates of the current run, best first. A score orders spectra and is no
      probability; what else to know before using it is told
      \RSTservicelink{browse/vospec/q}{here}. Numbers may be ranges: ``> 0.9``, ``1 .. 50``.
    ]]></meta>
    <meta name="_bottominfo" format="rst"><![CDATA[
      One row is a spectrum; a star that was observed several times has several. Widths of
      emission are negative. Without a limit 100 rows come; all columns come in VOTable, FITS or
      CSV. Please \RSTservicelink{vospec/q/web/howtocite}{cite} what you use.
    ]]></meta>
    <meta name="_noresultwarning">No candidate is like this.</meta>
    <property name="staticData">res/static</property>
    <template key="form">res/form.html</template>
    <publish render="form" sets="ivo_managed,local"/>
    <FEED source="page"/>
    <customRF name="candidates"><![CDATA[
      from gavo import api
      made, _ = api.loadPythonModule(service.rd.getAbsPath("res/candidates"))
      rows = self.result.getPrimaryTable().rows
      return made.table(rows) if rows else T.p(class_="warning")[
        base.getMetaText(service, "_noresultwarning")]
    ]]></customRF>
    <customRF name="pages"><![CDATA[
      from gavo import api
      made, _ = api.loadPythonModule(service.rd.getAbsPath("res/candidates"))
      table = self.result.getPrimaryTable()
      return made.pages(table.rows, request.path.decode("ascii"), request.strargs,
        more=str(table.getMeta("_queryStatus")) == "OVERFLOW")
    ]]></customRF>
    <dbCore queriedTable="candidates">
      <property name="defaultSortKey">rank</property>
      <condDesc>
        <inputKey original="candidates.verdict" multiplicity="multiple" showItems="-1"
          description="What SIMBAD makes of the star; none chosen is any">
          <values>
            <option title="not in SIMBAD">not_in_simbad</option>
            <option title="known emission star">known_emission_star</option>
            <option title="known, other star">known_other_star</option>
            <option>contaminant</option>
            <option>unclear</option>
            <option title="not asked">not_asked</option>
            <option title="service failed">service_failed</option>
          </values>
        </inputKey>
      </condDesc>
      <condDesc>
        <inputKey original="candidates.class" multiplicity="multiple" showItems="-1"
          description="Class of the largest share; none chosen is any">
          <values>
            <option>emission</option>
            <option title="double peak">double_peak</option>
            <option>absorption</option>
            <option>artefact</option>
          </values>
        </inputKey>
      </condDesc>
      <condDesc>
        <inputKey name="without" type="integer" tablehead="Leave out" multiplicity="multiple"
          showItems="-1" description="Spectra with these signs of what mimics emission">
          <values>
            <option title="nebula">1</option>
            <option title="sky residues">2</option>
            <option title="cosmic ray">4</option>
            <option title="arm junction">8</option>
          </values>
        </inputKey>
        <phraseMaker>
          <code>
            mask = sum(set(inPars["without"] or []))
            if mask:
              yield "COALESCE(line_flags, 0) &amp; %%(%s)s = 0" % base.getSQLKey(
                "mask", mask, outPars)
          </code>
        </phraseMaker>
      </condDesc>
      <condDesc>
        <inputKey name="double" type="integer" tablehead="Double peaks" multiplicity="multiple"
          showItems="-1" description="Two or more peaks that stand out of the noise">
          <values><option title="only these">1</option></values>
        </inputKey>
        <phraseMaker>
          <code>
            if inPars["double"]:
              yield "n_peaks > 1"
          </code>
        </phraseMaker>
      </condDesc>
      <condDesc buildFrom="peak_separation"/>
      <condDesc>
        <inputKey name="late" type="integer" tablehead="After the run" multiplicity="multiple"
          showItems="-1" description="Spectra that came after the run have a score and no rank">
          <values><option title="only these">1</option></values>
        </inputKey>
        <phraseMaker>
          <code>
            if inPars["late"]:
              yield "rank IS NULL"
          </code>
        </phraseMaker>
      </condDesc>
      <condDesc buildFrom="rank"/>
      <condDesc buildFrom="score"/>
      <condDesc buildFrom="probability"/>
      <condDesc buildFrom="equivalent_width"/>
      <condDesc buildFrom="snr"/>
      <condDesc>
        <inputKey name="name" type="text" tablehead="Name" multiplicity="single"
          description="Part of the target's name, of SIMBAD's, or of spectrum_id"/>
        <phraseMaker>
          <code>
            sought = inPars["name"].strip().lower()
            if sought:
              key = base.getSQLKey("name", sought, outPars)
              yield " OR ".join("position(%%(%s)s in lower(%s)) > 0" % (key, column)
                for column in ("object", "main_id", "spectrum_id"))
          </code>
        </phraseMaker>
      </condDesc>
      <condDesc original="//scs#humanInput"/>
    </dbCore>
    <outputTable>
      <outputField original="rank"/>
      <outputField original="score"/>
      <outputField original="probability"/>
      <outputField original="class"/>
      <outputField original="object"/>
      <outputField original="ra"/>
      <outputField original="dec"/>
      <outputField original="mjd"/>
      <outputField original="snr"/>
      <outputField original="archive_subclass"/>
      <outputField original="equivalent_width"/>
      <outputField original="equivalent_width_error"/>
      <outputField original="peak_height"/>
      <outputField original="fwhm"/>
      <outputField original="n_peaks"/>
      <outputField original="peak_separation"/>
      <outputField original="violet_to_red"/>
      <outputField original="line_flags"/>
      <outputField original="verdict"/>
      <outputField original="main_id"/>
      <outputField original="otype"/>
      <outputField original="sp_type"/>
      <outputField original="separation"/>
      <outputField original="spectrum_id"/>
      <outputField original="preview"/>
      <outputField original="datalink"/>
    </outputTable>
  </service>

  <service id="start" allowed="volatile">
    <meta name="title">vospec: emission-line stars in spectral archives</meta>
    <meta name="shortName">vospec start</meta>
    <meta name="description">Where to begin: the current run, its best candidates, and the doors
      to all that is here.</meta>
    <template key="volatile">res/start.html</template>
    <publish render="volatile" sets="local"/>
    <FEED source="page"/>
    <fixedQueryCore timeout="5" query="
      SELECT (SELECT to_jsonb(r) FROM vospec.runs AS r WHERE state = 'current') AS run,
        (SELECT jsonb_agg(to_jsonb(c) ORDER BY c.rank) FROM vospec.candidates AS c
          WHERE rank &lt;= 12) AS best,
        (SELECT jsonb_object_agg(verdict, n) FROM (
          SELECT verdict, COUNT(*) AS n FROM vospec.candidates GROUP BY verdict) AS v) AS verdicts">
      <outputTable>
        <column name="run" type="raw"/>
        <column name="best" type="raw"/>
        <column name="verdicts" type="raw"/>
      </outputTable>
    </fixedQueryCore>
    <customRF name="run"><![CDATA[
      from gavo import api
      made, _ = api.loadPythonModule(service.rd.getAbsPath("res/candidates"))
      (row,) = self.table.rows
      return made.overview(row, base.makeSitePath("/" + service.rd.sourceId + "/"))
    ]]></customRF>
    <customRF name="doors"><![CDATA[
      server = base.getCurrentServerURL()
      def door(title, text, address):
        return T.div[T.b[title], text, " ", T.code[T.a(href=address)[address]]]
      own = server + base.makeSitePath("/" + service.rd.sourceId + "/")
      return ctx.tag[
        door("Look", "Choose candidates and look at their spectra.", own + "web/form"),
        door("TAP", "All tables, by ADQL: in TOPCAT, or pyvo.dal.TAPService(address).",
          server + base.makeSitePath("/tap")),
        door("Queries", "Examples that run as they are.",
          server + base.makeSitePath("/tap/examples")),
        door("SSA, survey", "Spectra, as delivered and rectified, for TOPCAT, SPLAT, Aladin.",
          own + "ssa/ssap.xml?"),
        door("SSA, training archive", "The spectra whose labels teach.", own + "training/ssap.xml?"),
        door("Cone search", "Candidates around a place.", own + "cone/scs.xml?"),
        door("Reports", "What each run gave, and whether it passed its gate.",
          own + "report/qp/index.html"),
        door("Read me first", "What a score is and is not, what to know of the spectra, how to cite.",
          server + base.makeSitePath("/browse/" + service.rd.sourceId))]
    ]]></customRF>
  </service>

  <!-- ============ the whole, for the registry ============ -->

  <data id="collection" auto="False">
    <!-- The registry's record of all tables together; there is nothing to import. -->
    <meta name="shortName">vospec</meta>
    <publish sets="ivo_managed" services="//tap#run,cone,ssa,training"/>
    <make table="spectra"/>
    <make table="features"/>
    <make table="feature_summary"/>
    <make table="grid"/>
    <make table="labels"/>
    <make table="runs"/>
    <make table="reliability"/>
    <make table="thresholds"/>
    <make table="scores"/>
    <make table="candidates"/>
    <make table="neighbours"/>
    <make table="simbad"/>
    <make table="object_types"/>
    <make table="verdict_rules"/>
    <make table="score_changes"/>
    <make table="pairs"/>
  </data>

  <!-- ============ regression tests ============ -->
  <!-- dachs test -T 120 vospec/q, on any instance that has spectra and a run. What holds only
    where the stars BT CMi and HD 53416 of LAMOST's first release are needs -t stars, too. -->

  <procDef id="tester" type="regTest">
    <setup imports="gavo.api, math, os">
      <code>
        regression, _ = api.loadPythonModule(
          os.path.join(base.getConfig("inputsDir"), "\resdir/res/regression"))
      </code>
    </setup>
  </procDef>

  <regSuite title="The doors of vospec">
    <regTest procDef="tester" title="TAP: what is current, with its numbers">
      <url parSet="TAP" QUERY="SELECT run_id, method, n_usable, state FROM vospec.runs"
        >/tap/sync</url>
      <code><![CDATA[
        runs = self.getVOTableRows()
        current = self.getUnique([run for run in runs if run["state"] == "current"])
        assert current["method"] in ("label_propagation", "label_spreading"), current
        (features,) = regression.ask(self.url.httpURL,
          "SELECT COUNT(*) AS n FROM vospec.feature_summary")
        assert features["n"] >= current["n_usable"] > 0, (features, current)
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="TAP: candidates are of the current run and in their order">
      <url parSet="TAP" QUERY="SELECT TOP 50 c.rank, c.score, c.verdict, r.state
        FROM vospec.candidates AS c JOIN vospec.runs AS r ON r.run_id = c.run_id
        WHERE c.rank IS NOT NULL ORDER BY c.rank">/tap/sync</url>
      <code><![CDATA[
        found = self.getVOTableRows()
        assert all(row["state"] == "current" for row in found)
        assert all(a["score"] >= b["score"] for a, b in zip(found, found[1:])), found
        assert all(row["verdict"] for row in found)
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="TAP: every candidate has its spectrum, features and score">
      <url parSet="TAP" QUERY="SELECT TOP 5 c.spectrum_id FROM vospec.candidates AS c
        LEFT OUTER JOIN vospec.spectra AS s ON s.spectrum_id = c.spectrum_id
        LEFT OUTER JOIN vospec.feature_summary AS f ON f.spectrum_id = c.spectrum_id
        LEFT OUTER JOIN vospec.scores AS p
        ON p.spectrum_id = c.spectrum_id AND p.run_id = c.run_id
        WHERE s.spectrum_id IS NULL OR f.spectrum_id IS NULL OR p.spectrum_id IS NULL"
        >/tap/sync</url>
      <code>
        self.assertHasStrings('value="OK"')
        assert self.getVOTableRows() == []
      </code>
    </regTest>
    <regTest procDef="tester" title="TAP: arrays stand on the grid">
      <url parSet="TAP" QUERY="SELECT TOP 3 flux FROM vospec.features">/tap/sync</url>
      <code><![CDATA[
        grid = regression.ask(self.url.httpURL,
          "SELECT element, wavelength FROM vospec.grid ORDER BY element")
        assert [row["element"] for row in grid] == list(range(1, len(grid) + 1))
        assert grid[0]["wavelength"] < 6564.61 < grid[-1]["wavelength"]
        for row in self.getVOTableRows():
          assert len(row["flux"]) == len(grid)
          assert all(map(math.isfinite, row["flux"]))
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="TAP: links between tables are told">
      <url parSet="TAP" QUERY="SELECT from_table, target_table FROM tap_schema.keys
        WHERE from_table LIKE 'vospec.%'">/tap/sync</url>
      <code><![CDATA[
        keys = {(row["from_table"], row["target_table"]) for row in self.getVOTableRows()}
        assert ("vospec.scores", "vospec.runs") in keys
        assert ("vospec.candidates", "vospec.spectra") in keys
        assert ("vospec.neighbours", "vospec.candidates") in keys
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="TAP: an uploaded table is matched by position">
      <url parSet="TAP" QUERY="SELECT TOP 3 spectrum_id AS name, ra, dec FROM vospec.spectra
        WHERE ra IS NOT NULL AND dec IS NOT NULL">/tap/sync</url>
      <code><![CDATA[
        stars = self.getVOTableRows()
        found = regression.ask(self.url.httpURL, "SELECT mine.name, s.spectrum_id"
          " FROM TAP_UPLOAD.stars AS mine JOIN vospec.spectra AS s ON 1 = CONTAINS("
          "POINT('ICRS', s.ra, s.dec), CIRCLE('ICRS', mine.ra, mine.dec, 0.0001))", stars=stars)
        for star in stars:
          assert (star["name"], star["name"]) in {
            (row["name"], row["spectrum_id"]) for row in found}, found
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="TAP: an asynchronous job is done">
      <url parSet="TAP" httpMethod="POST" QUERY="SELECT COUNT(*) AS n FROM vospec.grid"
        >/tap/async</url>
      <code>
        self.assertHTTPStatus(303)
        job = {name.lower(): value for name, value in self.headers}["location"]
        (row,) = regression.run(job)
        (expected,) = regression.ask(job, "SELECT COUNT(*) AS n FROM vospec.grid")
        assert row == expected
      </code>
    </regTest>
    <regTest procDef="tester" title="TAP: every example runs">
      <url>/tap/examples</url>
      <code><![CDATA[
        queries = self.getXpath("//*[@property='query']")
        assert len(queries) >= 8, len(queries)
        stars = [{"name": "BT CMi", "ra": 119.26584, "dec": 2.94823}]
        for query in queries:
          text = "".join(query.itertext())
          regression.ask(self.url.httpURL, text, stars=stars if "TAP_UPLOAD" in text else None)
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="TAP: faults are told">
      <url parSet="TAP" QUERY="SELECT nonsense FROM vospec.candidates">/tap/sync</url>
      <code>
        self.assertHasStrings('value="ERROR"', "nonsense")
      </code>
    </regTest>
    <regTest procDef="tester" title="TAP: what is not for readers is not there">
      <url parSet="TAP" QUERY="SELECT * FROM vospec.pixels">/tap/sync</url>
      <code>
        self.assertHasStrings('value="ERROR"', "pixels")
      </code>
    </regTest>
    <regTest procDef="tester" title="SSA: spectra of the survey">
      <url REQUEST="queryData" MAXREC="6">ssa/ssap.xml</url>
      <code><![CDATA[
        found = self.getVOTableRows()
        assert found
        for row in found:
          assert row["ssa_datasource"] == "survey", row
          assert row["ssa_fluxcalib"] in ("RELATIVE", "NORMALIZED"), row
          assert 3e-7 < row["ssa_specstart"] < row["ssa_specend"] < 1.1e-6, row
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="SSA: training spectra">
      <url REQUEST="queryData" MAXREC="6">training/ssap.xml</url>
      <code><![CDATA[
        found = self.getVOTableRows()
        assert found
        for row in found:
          assert row["ssa_datasource"] == "pointed", row
          # All of them reach over Hα.
          assert row["ssa_specstart"] < 6.5646e-7 < row["ssa_specend"], row
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="SSA: the service knows its parameters">
      <url REQUEST="queryData" FORMAT="METADATA">ssa/ssap.xml</url>
      <code>
        self.assertHasStrings("QUERY_STATUS", "ssa_pubDID", "INPUT:POS", "INPUT:BAND", "INPUT:TIME")
      </code>
    </regTest>
    <regTest procDef="tester" title="SSA: a place that is none is a fault">
      <url REQUEST="queryData" POS="here">ssa/ssap.xml</url>
      <code>
        self.assertHasStrings('name="QUERY_STATUS" value="ERROR"')
      </code>
    </regTest>
    <regTest procDef="tester" title="ObsCore: spectra with times, wavelengths and links">
      <url parSet="TAP" QUERY="SELECT TOP 20 * FROM ivoa.obscore
        WHERE obs_collection IN ('lamost', 'sdss', 'ccd700')">/tap/sync</url>
      <code><![CDATA[
        found = self.getVOTableRows()
        assert found
        for row in found:
          assert row["dataproduct_type"] == "spectrum", row
          assert row["calib_level"] in (2, 3), row
          assert 3e-7 < row["em_min"] < row["em_max"] < 1.1e-6, row
          assert row["em_res_power"] > 1000, row
          if row["t_min"] is not None:
            length = (row["t_max"] - row["t_min"]) * 86400
            assert abs(length - (row["t_exptime"] or 0)) < 1, row
          assert row["access_url"].endswith(".fits"), row
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="Cone search: a radius of 0 tells the columns">
      <url RA="119.266" DEC="2.948" SR="0">cone/scs.xml</url>
      <code>
        self.assertHasStrings('ucd="ID_MAIN"', 'ucd="POS_EQ_RA_MAIN"', 'name="score"',
          'name="verdict"')
        assert self.getVOTableRows() == []
      </code>
    </regTest>
    <regTest procDef="tester" title="Cone search: faults are told as the standard wants">
      <url RA="400" DEC="2.948" SR="1">cone/scs.xml</url>
      <code>
        self.assertHasStrings('name="Error"', "RA must be from 0 to 360 degrees")
      </code>
    </regTest>
    <regTest procDef="tester" title="DataLink: a spectrum that is not there is a clear fault">
      <url ID="nowhere">dl/dlmeta</url>
      <code>
        self.assertHasStrings("NotFoundFault: No spectrum")
      </code>
    </regTest>
    <regTest procDef="tester" title="SODA: a spectrum that is not there is a clear fault">
      <url ID="nowhere">dl/dlget</url>
      <code>
        assert self.status in (400, 404), self.status
        self.assertHasStrings("No spectrum")
      </code>
    </regTest>
    <regTest procDef="tester" title="Form: the page appears with its filters">
      <url>web/form</url>
      <code>
        self.assertHasStrings("SIMBAD's verdict", "Leave out", "Double peaks", "Probability",
          "S/N", "Position/Name")
      </code>
    </regTest>
    <regTest procDef="tester" title="Form: it answers">
      <url parSet="form" MAXREC="1">web/form</url>
      <code>
        self.assertHTTPStatus(200)
        self.assertHasStrings("candidate")
        self.assertLacksStrings("Internal Error", "Please correct")
      </code>
    </regTest>
    <regTest procDef="tester" title="Health: the service is well, and tells the current run">
      <url>health</url>
      <code>
        self.assertHTTPStatus(200)
        (run,) = regression.ask(self.url.httpURL,
          "SELECT run_id FROM vospec.runs WHERE state = 'current'")
        self.assertHasStrings('"status": "ok"', run["run_id"])
      </code>
    </regTest>
    <regTest procDef="tester" title="Reports: those of the runs are listed">
      <url>report/qp/index.html</url>
      <code>
        self.assertHTTPStatus(200)
        self.assertHasStrings("Reports of runs")
      </code>
    </regTest>
    <regTest procDef="tester" title="Start page: the run and its best">
      <url>start/volatile</url>
      <code>
        self.assertHasStrings("usable spectra", "The best of this run", "/tap/examples")
      </code>
    </regTest>
    <regTest procDef="tester" title="Description: caveats, queries, citation">
      <url>/browse/vospec/q</url>
      <code>
        self.assertHasStrings("Before you use it", "How to ask", "How to cite", "10.1017")
      </code>
    </regTest>
  </regSuite>

  <!-- One behind the other: DaCHS' judge of schemas is not made for threads. -->
  <regSuite title="Documents by their schemas" sequential="True">
    <regTest procDef="tester" title="TAP: tables are described">
      <url>/tap/tables</url>
      <code><![CDATA[
        self.assertValidatesXSD()
        for name in ("spectra", "features", "feature_summary", "grid", "labels", "runs",
            "reliability", "thresholds", "scores", "candidates", "neighbours", "simbad",
            "object_types", "verdict_rules", "score_changes", "pairs", "ssa_spectra"):
          self.assertHasStrings("<name>vospec.%s</name>" % name)
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="TAP: capabilities tell the limits">
      <url>/tap/capabilities</url>
      <code>
        self.assertValidatesXSD()
        self.assertHasStrings("outputLimit", "executionDuration", "uploadLimit")
      </code>
    </regTest>
    <regTest procDef="tester" title="Registry: the record of the whole">
      <url verb="ListRecords" metadataPrefix="ivo_vor">/oai.xml</url>
      <code>
        self.assertValidatesXSD()
        self.assertHasStrings("/vospec/q/collection", "/vospec/q/cone", "/vospec/q/ssa",
          "/vospec/q/training", "/vospec/q/web")
      </code>
    </regTest>
  </regSuite>

  <regSuite title="From the best candidate to its spectra" sequential="True">
    <regTest procDef="tester" title="TAP tells it">
      <url parSet="TAP" QUERY="SELECT spectrum_id, ra, dec, preview, datalink
        FROM vospec.candidates WHERE rank = 1">/tap/sync</url>
      <code><![CDATA[
        self.followUp.star = self.getUnique(self.getVOTableRows())
        self.followUp.url.content_ = self.followUp.star["datalink"]
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="DataLink leads to all that belongs to it">
      <url>dl/dlmeta</url>
      <code><![CDATA[
        links = regression.links(self.data)
        assert {"this", "preview", "derivation", "proc"} <= set(links), sorted(links)
        files = [link["access_url"] for link in links["this"]
          if link["content_type"] == "application/fits"]
        next = self.followUp
        next.star, next.links = self.star, links
        next.url.content_ = self.getUnique(files)
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="Product: the spectrum is a FITS table in vacuum Å">
      <url>product/qp/</url>
      <code><![CDATA[
        assert self.data.startswith(b"SIMPLE  ="), self.data[:80]
        size = self.links["this"][0]["content_length"]
        assert size in (None, -1, len(self.data)), (size, len(self.data))
        pixels = regression.spectrum(self.data)
        assert {"spectral_axis", "flux", "ivar", "mask"} <= set(pixels.names), pixels.names
        wavelength = pixels["spectral_axis"]
        assert (wavelength[1:] > wavelength[:-1]).all()
        assert wavelength[0] < 6564.61 < wavelength[-1]
        next = self.followUp
        next.star, next.links, next.pixels = self.star, self.links, pixels
        next.url.content_ = self.links["preview"][0]["access_url"]
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="Preview: a picture">
      <url>preview/custom/</url>
      <code><![CDATA[
        self.assertHTTPStatus(200)
        self.assertHeader("content-type", "image/png")
        assert self.data[1:4] == b"PNG" and len(self.data) > 5000, len(self.data)
        next = self.followUp
        next.star, next.links, next.pixels = self.star, self.links, self.pixels
        next.url.content_ = self.links["derivation"][0]["access_url"]
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="Rectified: what the features hold">
      <url>rectified/qp/</url>
      <code><![CDATA[
        rectified = regression.spectrum(self.data)
        query = "SELECT flux FROM vospec.features WHERE spectrum_id = '%s'"
        (row,) = regression.ask(self.url.httpURL, query % self.star["spectrum_id"].replace("'", "''"))
        assert len(row["flux"]) == len(rectified)
        difference = max(abs(a - b) for a, b in zip(row["flux"], rectified["flux"]))
        assert difference < 1e-6, difference
        next = self.followUp
        next.star, next.links, next.pixels = self.star, self.links, self.pixels
        next.url.freeAttrs = [("ID", self.star["spectrum_id"]),
          ("BAND", "6.54e-7 6.59e-7"), ("FORMAT", "application/fits")]
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="SODA: a cut-out holds the pixels of its band">
      <url>dl/dlget</url>
      <code><![CDATA[
        cut = regression.spectrum(self.data)
        wavelength = self.pixels["spectral_axis"]
        inside = (wavelength >= 6540) & (wavelength <= 6590)
        assert (cut["spectral_axis"] == wavelength[inside]).all()
        assert (cut["flux"] == self.pixels["flux"][inside]).all()
        next = self.followUp
        next.star, next.links = self.star, self.links
        next.url.freeAttrs = [("ID", self.star["spectrum_id"]), ("FLUXCALIB", "RECTIFIED"),
          ("BAND", "6.54e-7 6.59e-7"), ("FORMAT", "text/csv")]
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="SODA: rectified, as CSV">
      <url>dl/dlget</url>
      <code><![CDATA[
        head, *lines = self.data.decode().strip().splitlines()
        assert head.startswith("spectral_axis,flux"), head
        wavelengths = [float(line.split(",")[0]) for line in lines]
        assert len(wavelengths) > 20
        assert 6540 <= wavelengths[0] < wavelengths[-1] <= 6590
        next = self.followUp
        next.star = self.star
        made = [link["access_url"] for link in self.links.get("progenitor", [])
          if link["access_url"]]
        next.url.content_ = (made or [self.links["this"][0]["access_url"]])[0]
        next.has_original = bool(made)
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="getproduct: the archive's own file, where it is at hand">
      <url>/getproduct/</url>
      <code><![CDATA[
        self.assertHTTPStatus(200)
        if self.has_original:
          assert self.data[:2] == bytes([31, 139]) or self.data.startswith(b"SIMPLE"), self.data[:80]
        next = self.followUp
        next.star = self.star
        next.url.freeAttrs = [("RA", self.star["ra"]), ("DEC", self.star["dec"]), ("SR", "0.001")]
      ]]></code>
    </regTest>
    <regTest procDef="tester" title="Cone search: it lies where it is told to be">
      <url>cone/scs.xml</url>
      <code><![CDATA[
        nearest = {row["spectrum_id"]: row["_r"] for row in self.getVOTableRows()}
        assert nearest[self.star["spectrum_id"]] < 1e-6, nearest
      ]]></code>
    </regTest>
  </regSuite>

  <regSuite title="Two Be stars, BT CMi and HD 53416">
    <regTest procDef="tester" tags="stars" title="Cone search: BT CMi is where it is">
      <url RA="119.26584" DEC="2.94823" SR="0.001" VERB="3">cone/scs.xml</url>
      <code><![CDATA[
        (star,) = [row for row in self.getVOTableRows() if row["release"] == "dr1"]
        assert (star["ra"], star["dec"]) == (119.26584, 2.9482255), star
        assert abs(star["mjd"] - 56341.6630) < 0.001, star
        assert round(star["snr"], 2) == 64.14, star
        assert (star["archive_class"], star["archive_subclass"]) == ("STAR", "A2V"), star
        assert (star["class"], star["n_peaks"], star["line_flags"]) == ("emission", 1, 0), star
        assert star["score"] > 0.5, star
      ]]></code>
    </regTest>
    <regTest procDef="tester" tags="stars" title="TAP: the width of BT CMi's line is that of its flux">
      <url parSet="TAP" QUERY="SELECT c.equivalent_width, c.equivalent_width_error, f.flux
        FROM vospec.candidates AS c JOIN vospec.features AS f ON f.spectrum_id = c.spectrum_id
        WHERE c.release = 'dr1'
        AND 1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 119.26584, 2.94823, 0.001))"
        >/tap/sync</url>
      <code><![CDATA[
        star = self.getUnique(self.getVOTableRows())
        grid = [row["wavelength"] for row in regression.ask(self.url.httpURL,
          "SELECT wavelength FROM vospec.grid ORDER BY element")]
        step = [(after - before) / 2 for before, after in zip(grid, grid[2:])]
        width = sum((1 - flux) * length
          for wavelength, flux, length in zip(grid[1:], star["flux"][1:], step)
          if 6544.6 <= wavelength <= 6584.6)
        assert abs(width - star["equivalent_width"]) < 0.3, (width, star)
        # Emission, tens of times as wide as its error.
        assert star["equivalent_width"] < -10 < -10 * star["equivalent_width_error"], star
      ]]></code>
    </regTest>
    <regTest procDef="tester" tags="stars" title="SSA: BT CMi in the survey, as delivered and rectified">
      <url REQUEST="queryData" POS="119.26584,2.94823" SIZE="0.002">ssa/ssap.xml</url>
      <code><![CDATA[
        found = [row for row in self.getVOTableRows() if row["ssa_cversion"] == "dr1"]
        found = {row["ssa_fluxcalib"]: row for row in found}
        assert sorted(found) == ["NORMALIZED", "RELATIVE"], sorted(found)
        star = found["RELATIVE"]
        assert star["ssa_length"] == 3899, star
        assert round(star["ssa_snr"], 2) == 64.14, star
        assert abs(star["ssa_specstart"] - 3.6999853e-7) < 1e-13, star
        assert abs(star["ssa_specres"] * 1800 - 6.5646e-7) < 1e-12, star
      ]]></code>
    </regTest>
    <regTest procDef="tester" tags="stars" title="SSA: HD 53416 in the training archive, by its name">
      <url REQUEST="queryData" TARGETNAME="HD 53416">training/ssap.xml</url>
      <code><![CDATA[
        (star,) = [row for row in self.getVOTableRows()
          if (row["ssa_creatorDID"] or "").endswith("/ccd700/ud210022")]
        assert star["ssa_length"] == 1757, star
        assert abs(star["ssa_dateObs"] - 55672.8798842593) < 1e-6, star
        assert (star["ssa_collection"], star["ssa_fluxcalib"]) == ("ccd700", "NORMALIZED"), star
      ]]></code>
    </regTest>
    <regTest procDef="tester" tags="stars" title="ObsCore: HD 53416 with its place and times">
      <url parSet="TAP" QUERY="SELECT * FROM ivoa.obscore
        WHERE obs_id = 'lamost/dr1/spec-56351-GAC108N13V4_sp14-219' AND calib_level = 2"
        >/tap/sync</url>
      <code><![CDATA[
        star = self.getUnique(self.getVOTableRows())
        assert abs(star["s_ra"] - 106.39509) < 1e-6 and abs(star["s_dec"] - 14.475481) < 1e-6
        assert star["t_min"] < star["t_max"], star
        assert abs((star["t_max"] - star["t_min"]) * 86400 - star["t_exptime"]) < 1e-3, star
        assert abs((star["t_min"] + star["t_max"]) / 2 - 56350.61297) < 1e-4, star
        assert star["em_res_power"] == 1800, star
        assert star["target_class"] == "STAR", star
      ]]></code>
    </regTest>
    <regTest procDef="tester" tags="stars" title="Product: HD 53416 as LAMOST has it">
      <url>product/qp/lamost/dr1/spec-56351-GAC108N13V4_sp14-219.fits</url>
      <code><![CDATA[
        pixels = regression.spectrum(self.data)
        assert len(pixels) == 3899
        assert abs(pixels["spectral_axis"][0] - 10 ** 3.5682) < 1e-9
        assert abs(pixels["spectral_axis"][3898] - 10 ** (3.5682 + 0.3898)) < 1e-9
        for place, flux in [(0, 10114.338), (1, 14057.516), (2000, 4699.2305)]:
          assert abs(pixels["flux"][place] - flux) < 1e-3, (place, pixels["flux"][place])
        # LAMOST gives no variance over the line, of pixels that are good.
        unknown = (pixels["spectral_axis"] > 6559.5) & (pixels["spectral_axis"] < 6571)
        assert unknown.sum() == 8
        assert not pixels["ivar"][unknown].any() and not pixels["mask"][unknown].any()
      ]]></code>
    </regTest>
    <regTest procDef="tester" tags="stars" title="SODA: the line of HD 53416">
      <url ID="lamost/dr1/spec-56351-GAC108N13V4_sp14-219" BAND="6.5595e-7 6.571e-7"
        FORMAT="text/csv">dl/dlget</url>
      <code><![CDATA[
        head, *lines = self.data.decode().strip().splitlines()
        names = head.split(",")
        rows = [dict(zip(names, line.split(","))) for line in lines]
        assert len(rows) == 8, rows
        assert abs(float(rows[0]["spectral_axis"]) - 6559.94200665) < 1e-6, rows
        assert {float(row["ivar"]) for row in rows} == {0}, rows
      ]]></code>
    </regTest>
    <regTest procDef="tester" tags="stars" title="DataLink: the archive's file of HD 53416 is named">
      <url ID="lamost/dr1/spec-56351-GAC108N13V4_sp14-219">dl/dlmeta</url>
      <code><![CDATA[
        links = regression.links(self.data)
        assert len(links["this"]) == 2 and len(links["derivation"]) == 1, links
        assert "progenitor" in links, sorted(links)
        self.assertHasStrings("106.3950900")
      ]]></code>
    </regTest>
    <regTest procDef="tester" tags="stars" title="Form: BT CMi by its place">
      <url parSet="form" hscs_pos="119.26584 2.94823" hscs_sr="0.1">web/form</url>
      <code>
        self.assertHasStrings("07h57m03.8s +02°56′54″", "A2V", "MJD 56341.7")
      </code>
    </regTest>
    <regTest procDef="tester" tags="stars" title="Preview: HD 53416 is drawn">
      <url>preview/custom/lamost/dr1/spec-56351-GAC108N13V4_sp14-219.png</url>
      <code><![CDATA[
        assert self.data[1:4] == b"PNG" and len(self.data) > 10000, len(self.data)
      ]]></code>
    </regTest>
  </regSuite>
</resource>
