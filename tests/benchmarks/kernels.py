"""Time of the kernels a spectrum, against astropy and specutils one spectrum at a time.

``python -m tests.benchmarks.kernels [--batch N] [--few M] [--rounds R]`` simulates N LAMOST
and 32 CCD700 files and prints a table: time of one core a spectrum in batches of N, and how
many times longer the straightforward way takes, timed on M of them. It is:

reading        ``fits.open``; wavelength from the cards
resampling     ``FluxConservingResampler``, given the window alone
adaptation     ``gaussian_smooth``, then ``FluxConservingResampler``
rectification  ``fit_generic_continuum`` with Hα left out, then a division
measures       ``equivalent_width``, ``fwhm``, ``centroid``, ``line_flux``

Every CCD700 spectrum has an axis of its own, and so a matrix of its own in the adaptation.
Times are those of the thread (what others do on the machine counts little), and the best
of R rounds.
"""

import argparse
import io
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
from astropy import log, units
from astropy.io import fits
from astropy.nddata import StdDevUncertainty
from specutils import SpectralRegion, Spectrum
from specutils.analysis import centroid, equivalent_width, fwhm, line_flux
from specutils.fitting import fit_generic_continuum
from specutils.manipulation import (
    FluxConservingResampler,
    extract_region,
    gaussian_smooth,
)

from vospec import archives, spectra
from vospec.archives.simulated import simulate
from vospec.archives.spectrum import ArchiveSpectrum
from vospec.config import GridSettings
from vospec.spectra import Resampled

GRID = spectra.log_grid(GridSettings().start_angstrom, GridSettings().stop_angstrom)
WINDOW = SpectralRegion((GRID[0] - 5.0) * units.AA, (GRID[-1] + 5.0) * units.AA)
LINE = SpectralRegion(6530.0 * units.AA, 6600.0 * units.AA)
#: Gaussian from R 13 000 to R 1800 in CCD700's pixels.
STDDEV = 3.61 / 2.3548 / 0.2567
POWERS = {"resolving_power": 13000.0, "target_resolving_power": 1800.0}

Work = Callable[[], object]


def best(work: Work, count: int, rounds: int) -> float:
    """Microseconds of one core a spectrum."""
    times = []
    for _ in range(rounds):
        start = time.thread_time()
        work()
        times.append(time.thread_time() - start)
    return 1e6 * min(times) / count


# --- ours: arrays of many spectra -----------------------------------------------------------


def read(contents: Iterable[bytes]) -> list[ArchiveSpectrum]:
    """Read files that are at hand."""
    return [archives.read_bytes(content, "spec.fits") for content in contents]


def placed(read_ones: list[ArchiveSpectrum]) -> Resampled:
    """Bring LAMOST's spectra onto the grid, those of one axis together."""
    groups: dict[int, list[ArchiveSpectrum]] = {}
    for one in read_ones:
        groups.setdefault(one.flux.size, []).append(one)
    parts = [_placed(group) for group in groups.values()]
    flux, mask, variance = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Resampled(flux, mask, variance)


def _placed(group: list[ArchiveSpectrum]) -> Resampled:
    flux, mask, ivar = (
        np.stack([getattr(one, name) for one in group]) for name in ("flux", "mask", "ivar")
    )
    variance = np.divide(1.0, ivar, out=np.full(ivar.shape, np.nan), where=ivar > 0)
    return spectra.resample(flux, group[0].spectral_axis, GRID, mask=mask, variance=variance)


def measured(contents: list[bytes]) -> object:
    """Take files to vectors and line measures."""
    flux, mask, variance = placed(read(contents))
    made = spectra.feature_vectors(flux, GRID, mask=mask, variance=variance)
    return spectra.measure_lines(
        made.flux, GRID, noise=made.continuum_noise, variance=made.variance
    )


# --- theirs: one spectrum at a time ---------------------------------------------------------


def opened(content: bytes) -> Spectrum:
    """Read a LAMOST image or table with astropy."""
    with fits.open(io.BytesIO(content), memmap=False) as hdus:
        header = hdus[0].header
        table = hdus[1].data[0] if len(hdus) > 1 else None
        flux = hdus[0].data[0] if table is None else table["FLUX"]
        ivar = hdus[0].data[1] if table is None else table["IVAR"]
    axis = 10.0 ** (header["COEFF0"] + header["COEFF1"] * np.arange(flux.size))
    sigma = 1.0 / np.sqrt(np.where(ivar > 0, ivar, 1.0))
    return _spectrum(np.asarray(flux, float), axis, sigma)


def _spectrum(flux: np.ndarray, axis: np.ndarray, sigma: np.ndarray) -> Spectrum:
    return Spectrum(
        flux=flux * units.Jy, spectral_axis=axis * units.AA, uncertainty=StdDevUncertainty(sigma)
    )


def resampled(spectrum: Spectrum) -> Spectrum:
    """Re-bin the window with specutils."""
    return FluxConservingResampler()(extract_region(spectrum, WINDOW), GRID * units.AA)


def adapted(spectrum: Spectrum) -> Spectrum:
    """Smooth and re-bin with specutils."""
    return FluxConservingResampler()(gaussian_smooth(spectrum, STDDEV), GRID * units.AA)


def rectified(spectrum: Spectrum) -> Spectrum:
    """Divide by specutils' continuum."""
    return spectrum / fit_generic_continuum(spectrum, exclude_regions=LINE)(GRID * units.AA)


def lines(spectrum: Spectrum) -> list[object]:
    """Measure with specutils."""
    excess = spectrum - 1.0 * spectrum.flux.unit
    width = equivalent_width(spectrum, regions=LINE)
    return [width, *(measure(excess, regions=LINE) for measure in (fwhm, centroid, line_flux))]


def straightforward(content: bytes) -> list[object]:
    """Take one file to a vector and line measures."""
    return lines(rectified(resampled(opened(content))))


# --- the table -------------------------------------------------------------------------------


def contents_of(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.rglob("*.fits*"))]


def rows(survey: list[bytes], training: list[bytes], few: int) -> Iterable[tuple[str, Work, Work]]:
    """Name of a step, the work for all spectra in one batch, and for a few one by one."""
    ones, fine = read(survey), read(training)
    flux, mask, variance = placed(ones)
    vectors = spectra.feature_vectors(flux, GRID, mask=mask, variance=variance)
    theirs = [opened(content) for content in survey[:few]]
    on_grid = [resampled(one) for one in theirs]
    flat = [rectified(one) for one in on_grid]
    coarse = [_spectrum(np.array(one.flux, float), one.spectral_axis, np.ones(one.flux.size))
              for one in fine[:few]]  # fmt: skip
    yield "reading", partial(read, survey), partial(_each, opened, survey[:few])
    yield "resampling", partial(placed, ones), partial(_each, resampled, theirs)
    yield "adaptation", partial(_adapt_all, fine), partial(_each, adapted, coarse)
    yield (
        "rectification to vector",
        partial(spectra.feature_vectors, flux, GRID, mask=mask, variance=variance),
        partial(_each, rectified, on_grid),
    )
    yield (
        "line measures",
        partial(
            spectra.measure_lines,
            vectors.flux,
            GRID,
            noise=vectors.continuum_noise,
            variance=vectors.variance,
        ),
        partial(_each, lines, flat),
    )
    yield (
        "bytes to vector and measures",
        partial(measured, survey),
        partial(_each, straightforward, survey[:few]),
    )


def _each(work: Callable[..., object], given: Iterable[object]) -> None:
    for one in given:
        work(one)


def _adapt_all(fine: list[ArchiveSpectrum]) -> None:
    for one in fine:
        spectra.adapt(one.flux, one.spectral_axis, GRID, **POWERS, mask=one.mask)


def main() -> None:
    parser = argparse.ArgumentParser(description="time of the kernels a spectrum")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--few", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    log.setLevel("WARNING")
    with tempfile.TemporaryDirectory() as folder:
        simulate(folder, n_survey=options.batch, n_training=32, seed=7)
        survey, training = (contents_of(Path(folder) / name) for name in ("survey", "training"))
    print(f"{'':30}{'ours / µs':>12}{'theirs / µs':>14}{'ratio':>8}")
    for name, ours, theirs in rows(survey, training, options.few):
        count = len(training) if name == "adaptation" else len(survey)
        one = best(ours, count, options.rounds)
        other = best(theirs, options.few, min(options.rounds, 3))
        print(f"{name:30}{one:12.1f}{other:14.0f}{other / one:8.0f}")


if __name__ == "__main__":
    main()
