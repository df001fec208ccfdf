"""Kernels on spectra: arrays in, arrays out, vectorised over spectra in axis 0.

Spectra of a batch share one ``spectral_axis`` (vacuum Å). ``mask`` is True where a
pixel is bad; ``variance`` is that of the flux, NaN where it is not known, which says
nothing against the flux. Both go through all kernels beside the flux.
In the order in which a spectrum meets them:

- :func:`air_to_vacuum`, :func:`vacuum_to_air`: wavelengths at an archive's edge
- :func:`log_grid`: the common grid of feature elements
- :func:`resample`: flux-conserving re-binning; :func:`resampling_matrix`, :func:`pixel_edges`
- :func:`adapt`: one instrument's spectra at the resolution and pixels of another;
  :func:`kernel_fwhm`, :func:`fwhm_difference`, :func:`convolution_matrix`
- :func:`rectify`: flux over continuum; :func:`interpolate`: without gaps
- :func:`feature_vectors`: both, and whether the spectrum can be used
- :func:`measure_lines`: Hα, its neighbours and what mimics emission;
  :func:`equivalent_width`, :func:`peak_height`, :func:`arm_junction`
"""

from vospec.spectra.adaptation import adapt, convolution_matrix, fwhm_difference, kernel_fwhm
from vospec.spectra.artefacts import arm_junction, despiked, sky_height
from vospec.spectra.features import FeatureVectors, feature_vectors
from vospec.spectra.grid import log_grid
from vospec.spectra.interpolation import interpolate
from vospec.spectra.lines import equivalent_width
from vospec.spectra.measures import LineMeasures, measure_lines
from vospec.spectra.profiles import peak_height
from vospec.spectra.rectification import Rectified, rectify
from vospec.spectra.resampling import Resampled, pixel_edges, resample, resampling_matrix
from vospec.spectra.wavelengths import air_to_vacuum, vacuum_to_air

__all__ = [
    "FeatureVectors",
    "LineMeasures",
    "Rectified",
    "Resampled",
    "adapt",
    "air_to_vacuum",
    "arm_junction",
    "convolution_matrix",
    "despiked",
    "equivalent_width",
    "feature_vectors",
    "fwhm_difference",
    "interpolate",
    "kernel_fwhm",
    "log_grid",
    "measure_lines",
    "peak_height",
    "pixel_edges",
    "rectify",
    "resample",
    "resampling_matrix",
    "sky_height",
    "vacuum_to_air",
]
