<!-- Goes into etc/ of DaCHS: the examples that TAP clients offer. -->
<resource schema="__system">
  <STREAM id="tapexamples">
    <doc>Examples of ADQL queries on the tables of vospec.</doc>

    <meta name="_example" title="The best candidates">
      The candidates of the current run with what is needed to judge them, from
      :taptable:`vospec.candidates`:

      .. tapquery::

        SELECT TOP 20 rank, score, class, object, ra, dec, snr,
          equivalent_width, peak_height
        FROM vospec.candidates
        ORDER BY rank
    </meta>

    <meta name="_example" title="Candidates around a position">
      Candidates within half a degree of BT CMi, from :taptable:`vospec.candidates`:

      .. tapquery::

        SELECT spectrum_id, score, class, ra, dec
        FROM vospec.candidates
        WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 119.26584, 2.94823, 0.5))
    </meta>

    <meta name="_example" title="Candidates that their archive takes for A stars">
      Well exposed spectra, from :taptable:`vospec.candidates`:

      .. tapquery::

        SELECT spectrum_id, score, archive_subclass, equivalent_width
        FROM vospec.candidates
        WHERE snr &gt; 50 AND archive_subclass LIKE 'A%'
        ORDER BY equivalent_width
    </meta>

    <meta name="_example" title="Double peaks">
      Discs seen at an angle, from :taptable:`vospec.candidates`: two peaks that stand out
      of the noise, and no flag of sky, nebula, cosmic ray or the spectrograph's arms. The
      peaks of spectra of LAMOST's resolution merge below about 190 km/s:

      .. tapquery::

        SELECT spectrum_id, score, equivalent_width, equivalent_width_error,
          peak_separation, violet_to_red, central_depth
        FROM vospec.candidates
        WHERE n_peaks = 2 AND line_flags = 0
        ORDER BY peak_separation DESC
    </meta>

    <meta name="_example" title="Why is this star a candidate?">
      :taptable:`vospec.neighbours` tells for each row of :taptable:`vospec.candidates` the
      labelled spectra from which its class shares come (kind label; for the best candidates
      of a run) and the spectra beside it in the graph (kind neighbour). Where share falls
      slowly, many spectra agree; where one label has nearly all of it, look at that label:

      .. tapquery::

        SELECT c.rank, c.object, c.score, n.kind, n.place, n.share, n.class, n.neighbour_id
        FROM vospec.candidates AS c
        JOIN vospec.neighbours AS n ON n.spectrum_id = c.spectrum_id
        WHERE c.rank = 1
        ORDER BY n.kind, n.place
    </meta>

    <meta name="_example" title="Candidates that one label leads to">
      Whoever doubts a label asks :taptable:`vospec.neighbours` what follows from it: the
      candidates that owe it most, here for the label that most of them go back to:

      .. tapquery::

        SELECT n.neighbour_id, n.class, n.share, c.spectrum_id, c.rank, c.score
        FROM vospec.neighbours AS n
        JOIN vospec.candidates AS c ON c.spectrum_id = n.spectrum_id
        WHERE n.kind = 'label' AND n.neighbour_id IN (
          SELECT TOP 1 neighbour_id FROM vospec.neighbours
          WHERE kind = 'label' GROUP BY neighbour_id ORDER BY SUM(share) DESC)
        ORDER BY n.share DESC
    </meta>

    <meta name="_example" title="Emission in rectified spectra">
      The arrays of :taptable:`vospec.features` are counted from 1, and
      :taptable:`vospec.grid` tells their vacuum wavelengths. Spectra with flux of more
      than half above the continuum somewhere:

      .. tapquery::

        SELECT spectrum_id, arr_max(flux) AS peak
        FROM vospec.features
        WHERE arr_max(flux) &gt; 1.5
    </meta>

    <meta name="_example" title="What a threshold of the score promises">
      A score orders spectra. :taptable:`vospec.thresholds` tells what part of the spectra
      above a threshold can be expected to be emission-line stars, and what part of all of
      them that is; :taptable:`vospec.reliability` tells whether the probabilities, from
      which this follows, held for labelled spectra:

      .. tapquery::

        SELECT t.threshold, t.n, t.expected_precision, t.expected_precision_error,
          t.expected_recall
        FROM vospec.thresholds AS t
        JOIN vospec.runs AS runs ON runs.run_id = t.run_id
        WHERE runs.state = 'current'
        ORDER BY t.threshold
    </meta>

    <meta name="_example" title="How two runs agree">
      :taptable:`vospec.scores` holds every run; :taptable:`vospec.runs` tells the current
      one:

      .. tapquery::

        SELECT here.spectrum_id, here.score, other.run_id AS other_run,
          other.score AS other_score
        FROM vospec.runs AS runs
        JOIN vospec.scores AS here ON here.run_id = runs.run_id
        JOIN vospec.scores AS other ON other.spectrum_id = here.spectrum_id
        WHERE runs.state = 'current' AND other.run_id != runs.run_id
          AND here.score - other.score &gt; 0.2
    </meta>

    <meta name="_example" title="Spectra and pictures by ObsCore">
      Addresses of spectra (FITS binary tables) that cover Hα, from
      :taptable:`ivoa.obscore`:

      .. tapquery::

        SELECT TOP 10 obs_id, access_url, preview
        FROM ivoa.obscore
        WHERE dataproduct_type = 'spectrum' AND 6.5646e-7 BETWEEN em_min AND em_max
    </meta>

    <meta name="_example" title="How many spectra of which archive are usable">
      Flags and reasons stand in :taptable:`vospec.spectra`:

      .. tapquery::

        SELECT collection, release, quality, COUNT(*) AS n
        FROM vospec.spectra
        GROUP BY collection, release, quality
    </meta>
  </STREAM>
</resource>
