"""What other services and archives know of the stars: SIMBAD, known stars, pairs of archives."""
