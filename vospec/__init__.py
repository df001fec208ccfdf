"""Find emission-line stars in millions of spectra and publish them in the Virtual Observatory.

The rooms, in the order in which data pass through them:

archives      FITS files of LAMOST and CCD700 in, spectra out; a simulated survey
spectra       arrays in, arrays out: wavelengths, adaptation, rectification, lines
learning      the neighbour graph, Label Propagation and Label Spreading
publication   PostgreSQL under DaCHS: bulk load, run switch
backend       Spark: sessions and stages
pipeline      the order of the stages
"""

__version__ = "0.2.0"
