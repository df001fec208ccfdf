<!-- Goes into etc/ of DaCHS: the examples that TAP clients offer. -->
<resource schema="__system">
  <STREAM id="tapexamples">
    <doc>Examples of ADQL queries on the tables of vospec. The tests run each of them; where
    one reads an upload, the tests upload a table of that name.</doc>

    <meta name="_example" title="Best candidates that SIMBAD does not know">
      The candidates of the current run in their order, from :taptable:`vospec.candidates`,
      where SIMBAD had no source within the radius when it was asked, and where nothing
      mimics emission (line_flags). New to SIMBAD is not new to science: look at the picture
      (preview) and at the literature:

      .. tapquery::

        SELECT TOP 100 rank, score, probability, class, object, ra, dec, snr,
          equivalent_width, equivalent_width_error, peak_height, asked_at, preview
        FROM vospec.candidates
        WHERE verdict = 'not_in_simbad' AND line_flags = 0
        ORDER BY rank
    </meta>

    <meta name="_example" title="Candidates by SIMBAD's verdict">
      How many candidates are known, and as what; their best rank and strongest line, from
      :taptable:`vospec.candidates`. Equivalent widths of emission are negative:

      .. tapquery::

        SELECT verdict, COUNT(*) AS n, MIN(rank) AS best_rank,
          MIN(equivalent_width) AS strongest
        FROM vospec.candidates
        GROUP BY verdict
    </meta>

    <meta name="_example" title="Candidates around a position">
      Candidates within half a degree of BT CMi, from :taptable:`vospec.candidates`:

      .. tapquery::

        SELECT spectrum_id, score, class, verdict, ra, dec
        FROM vospec.candidates
        WHERE 1 = CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 119.26584, 2.94823, 0.5))
    </meta>

    <meta name="_example" title="Candidates among your own stars">
      Upload a table named stars with columns ra and dec in degrees (ICRS), and have each star
      with the candidates of :taptable:`vospec.candidates` within 3 arcseconds. Write the
      condition as CONTAINS: by DISTANCE alone the index on positions is not used:

      .. tapquery::

        SELECT mine.*, c.spectrum_id, c.rank, c.score, c.class, c.verdict,
          3600 * DISTANCE(POINT('ICRS', c.ra, c.dec), POINT('ICRS', mine.ra, mine.dec))
            AS arcseconds
        FROM TAP_UPLOAD.stars AS mine
        JOIN vospec.candidates AS c
        ON 1 = CONTAINS(POINT('ICRS', c.ra, c.dec),
          CIRCLE('ICRS', mine.ra, mine.dec, 3 / 3600.))
    </meta>

    <meta name="_example" title="Candidates that their archive takes for A stars">
      Well exposed spectra, from :taptable:`vospec.candidates`. The archive's types rest on
      the whole spectrum, and Be stars come out as A stars:

      .. tapquery::

        SELECT spectrum_id, score, archive_subclass, equivalent_width
        FROM vospec.candidates
        WHERE snr &gt; 50 AND archive_subclass LIKE 'A%'
        ORDER BY equivalent_width
    </meta>

    <meta name="_example" title="Double peaks wider than 200 km/s">
      Discs seen at an angle, from :taptable:`vospec.candidates`: two peaks that stand out
      of the noise, and no flag of sky, nebula, cosmic ray or the spectrograph's arms. The
      peaks of spectra of LAMOST's resolution merge below about 190 km/s:

      .. tapquery::

        SELECT spectrum_id, score, equivalent_width, equivalent_width_error,
          peak_separation, violet_to_red, central_depth
        FROM vospec.candidates
        WHERE n_peaks = 2 AND peak_separation &gt; 200 AND line_flags = 0
        ORDER BY peak_separation DESC
    </meta>

    <meta name="_example" title="What changed since the run before">
      :taptable:`vospec.score_changes` tells which spectra entered the candidates, which left
      them, which moved, and of which SIMBAD tells another thing than it did; here all but
      those that moved little:

      .. tapquery::

        SELECT TOP 1000 change, spectrum_id, previous_rank, rank, previous_score, score,
          previous_verdict, verdict
        FROM vospec.score_changes
        WHERE change != 'moved' OR ABS(score - previous_score) &gt; 0.1
    </meta>

    <meta name="_example" title="Spectra like this one">
      The ten nearest neighbours in the graph of the best candidate, strongest first, from
      :taptable:`vospec.neighbours`, with what :taptable:`vospec.spectra` tells of them; class
      is the label of those that have one. Put another spectrum_id into a WHERE for another
      star:

      .. tapquery::

        SELECT n.place, n.share, n.class, n.neighbour_id, s.object, s.archive_subclass, s.snr
        FROM vospec.candidates AS c
        JOIN vospec.neighbours AS n ON n.spectrum_id = c.spectrum_id
        JOIN vospec.spectra AS s ON s.spectrum_id = n.neighbour_id
        WHERE c.rank = 1 AND n.kind = 'neighbour'
        ORDER BY place
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
        ORDER BY kind, place
    </meta>

    <meta name="_example" title="Candidates that one label leads to">
      Whoever doubts a label asks :taptable:`vospec.neighbours` what follows from it: the
      candidates that owe it most, here for the label that most of them go back to:

      .. tapquery::

        SELECT n.neighbour_id, n.class, n.share, c.spectrum_id, c.rank, c.score
        FROM vospec.neighbours AS n
        JOIN vospec.candidates AS c ON c.spectrum_id = n.spectrum_id
        WHERE n.kind = 'label' AND n.neighbour_id IN (
          SELECT neighbour_id FROM (
            SELECT TOP 1 neighbour_id, SUM(share) AS total FROM vospec.neighbours
            WHERE kind = 'label' GROUP BY neighbour_id ORDER BY total DESC) AS most)
        ORDER BY share DESC
    </meta>

    <meta name="_example" title="Mean profile of each class">
      Arrays are added element by element: the mean of all labelled spectra of a class in
      :taptable:`vospec.features`, with the labels that hold in :taptable:`vospec.labels`.
      The wavelengths of the elements stand in :taptable:`vospec.grid`:

      .. tapquery::

        SELECT l.class, COUNT(*) AS n, SUM(f.flux) / COUNT(*) AS profile
        FROM vospec.labels AS l
        JOIN vospec.features AS f ON f.spectrum_id = l.spectrum_id
        WHERE l.superseded_at IS NULL
        GROUP BY l.class
    </meta>

    <meta name="_example" title="The line of one spectrum, to plot">
      :taptable:`vospec.grid` tells which element of the arrays in :taptable:`vospec.features`
      is which vacuum wavelength (Å): flux over continuum near Hα, a row for each wavelength,
      of the best candidate:

      .. tapquery::

        SELECT g.wavelength, f.flux[g.element] AS flux
        FROM vospec.candidates AS c
        JOIN vospec.features AS f ON f.spectrum_id = c.spectrum_id
        JOIN vospec.grid AS g ON g.wavelength BETWEEN 6540 AND 6590
        WHERE c.rank = 1
        ORDER BY wavelength
    </meta>

    <meta name="_example" title="Strong emission near Hα, in all spectra">
      Not among the candidates alone: the highest peaks within 10 Å of Hα in
      :taptable:`vospec.features`, with the flux at Hα itself, where the peak need not be.
      The score, in :taptable:`vospec.scores`, tells what the current run made of them:

      .. tapquery::

        SELECT TOP 100 f.spectrum_id, f.peak_height, f.line_flags, f.flux[g.element] AS at_halpha,
          s.score
        FROM vospec.features AS f
        JOIN vospec.grid AS g ON g.wavelength BETWEEN 6563.9 AND 6565.4
        JOIN vospec.runs AS r ON r.state = 'current'
        LEFT OUTER JOIN vospec.scores AS s
        ON s.spectrum_id = f.spectrum_id AND s.run_id = r.run_id
        WHERE f.peak_height &gt; 0.5
        ORDER BY peak_height DESC
    </meta>

    <meta name="_example" title="One star in both archives">
      Stars that both archives have observed, from :taptable:`vospec.pairs`: how well the
      adapted training spectrum agrees with the survey's (residual, against residual_unadapted
      without adaptation, and noise, which is what the two spectra's noise lets expect). A
      residual well above the noise is a star that changed between the dates, or a false pair:

      .. tapquery::

        SELECT object, training_id, survey_id, separation, found_by,
          survey_mjd - training_mjd AS days, residual, residual_unadapted, noise
        FROM vospec.pairs
        ORDER BY object, residual
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
        ORDER BY threshold
    </meta>

    <meta name="_example" title="Stars of which SIMBAD has told different things">
      :taptable:`vospec.simbad` keeps every answer: the history of all spectra whose verdict
      was not always the same, known since or failed in between:

      .. tapquery::

        SELECT spectrum_id, asked_at, state, verdict, main_id, otype, sp_type, reason
        FROM vospec.simbad
        WHERE spectrum_id IN (
          SELECT spectrum_id FROM vospec.simbad
          GROUP BY spectrum_id HAVING MIN(verdict) != MAX(verdict))
        ORDER BY spectrum_id, asked_at
    </meta>

    <meta name="_example" title="How a verdict came about">
      For the best candidates that SIMBAD knows: the last answer in :taptable:`vospec.simbad`,
      the rule of :taptable:`vospec.verdict_rules` by which it was judged, in words, and what
      SIMBAD's type means, from :taptable:`vospec.object_types`:

      .. tapquery::

        SELECT TOP 100 c.rank, c.verdict, r.meaning, s.main_id, s.otype, t.label, t.path,
          s.otypes, s.sp_type
        FROM vospec.candidates AS c
        JOIN vospec.simbad AS s
        ON s.spectrum_id = c.spectrum_id AND s.asked_at = c.asked_at
        JOIN vospec.verdict_rules AS r ON r.rule = s.rule
        LEFT OUTER JOIN vospec.object_types AS t ON t.otype = s.otype
        ORDER BY rank
    </meta>

    <meta name="_example" title="Where two runs disagree">
      :taptable:`vospec.scores` holds every run; :taptable:`vospec.runs` tells the current
      one. High scores of the current run that another run gives much less:

      .. tapquery::

        SELECT TOP 1000 here.spectrum_id, here.score, other.run_id AS other_run,
          other.score AS other_score
        FROM vospec.runs AS runs
        JOIN vospec.scores AS here ON here.run_id = runs.run_id
        JOIN vospec.scores AS other ON other.spectrum_id = here.spectrum_id
        WHERE runs.state = 'current' AND other.run_id != runs.run_id
          AND here.score &gt; 0.4 AND here.score - other.score &gt; 0.2
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
