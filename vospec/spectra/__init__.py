"""Kernels on spectra: arrays in, arrays out, vectorised over spectra in axis 0.

Spectra of a batch share one ``spectral_axis`` (vacuum Å). ``mask`` is True where a
pixel is bad. In the order in which a spectrum meets them:

- :func:`air_to_vacuum`, :func:`vacuum_to_air`: wavelengths at an archive's edge
- :func:`log_grid`: the common grid of feature elements
- :func:`resample`: flux-conserving re-binning; :func:`resampling_matrix`, :func:`pixel_edges`
- :func:`adapt`: one instrument's spectra at the resolution and pixels of another
- :func:`rectify`, :func:`interpolate`: flux over continuum without gaps
- :func:`equivalent_width`, :func:`peak_height`: measures of the Hα line
"""

from vospec.spectra.adaptation import adapt, convolution_matrix, kernel_fwhm
from vospec.spectra.grid import log_grid
from vospec.spectra.lines import equivalent_width, peak_height
from vospec.spectra.rectification import Rectified, interpolate, rectify
from vospec.spectra.resampling import pixel_edges, resample, resampling_matrix
from vospec.spectra.wavelengths import air_to_vacuum, vacuum_to_air

__all__ = [
    "Rectified",
    "adapt",
    "air_to_vacuum",
    "convolution_matrix",
    "equivalent_width",
    "interpolate",
    "kernel_fwhm",
    "log_grid",
    "peak_height",
    "pixel_edges",
    "rectify",
    "resample",
    "resampling_matrix",
    "vacuum_to_air",
]
