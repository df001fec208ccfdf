"""Where, when and under which name a simulated star was observed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

#: Releases of eight consecutive spectra: every layout is there in a small set too.
_RELEASES = ("dr1", "dr7", "dr9", "dr1", "dr3", "dr7", "dr9", "dr1")
#: First day and number of days of the nights of a release.
_NIGHTS = {
    "dr1": ("2011-10-24", 590),
    "dr3": ("2013-09-10", 630),
    "dr7": ("2015-09-01", 1370),
    "dr9": ("2019-09-10", 630),
    "ccd700": ("2008-01-05", 2500),
}
#: Spectra of one LAMOST exposure; real ones have up to 4000.
_PLATE = 50
#: Wavelength scales of the CCD700 exports: rows and step in Å (air).
_DETECTORS = ((1757, 0.25667), (1953, 0.23091))


@dataclass(frozen=True)
class Observation:
    """One pointing at one star.

    Attributes
    ----------
    release
        Data release or export format, which fixes the layout.
    path
        Of the file, below the folder of its archive.
    number
        Running number, from 1.
    ra, dec
        ICRS degrees.
    start
        Beginning of the exposure, UTC.
    seconds
        Length of the exposure.
    snr
        Signal to noise in the r band.
    size, step
        Number of pixels and, for CCD700, their width in Å.
    """

    release: str
    path: str
    number: int
    ra: float
    dec: float
    start: datetime
    seconds: float
    snr: float
    size: int
    step: float = 0.0

    @property
    def collection(self) -> str:
        """Archive, as in ``columns.ROLES``."""
        return "ccd700" if self.release in {"vo", "native"} else "lamost"

    @property
    def stem(self) -> str:
        """Name of the file without folder and ending."""
        return self.path.rsplit("/", 1)[-1].removesuffix(".gz").removesuffix(".fits")

    @property
    def spectrum_id(self) -> str:
        """Identifier that the reader gives."""
        return f"{self.collection}/{self.release}/{self.stem}"


def lamost(index: int, seed: int) -> Observation:
    """Plan the ``index``-th spectrum of the survey.

    The S/N follows the public files: 6, 27, 55, 83 and 210 at the quantiles 0.02, 0.25,
    0.5, 0.75 and 0.98.
    """
    cycle, place = divmod(index, len(_RELEASES))
    release, plate = _RELEASES[place], cycle // (_PLATE // _RELEASES.count(_RELEASES[place]))
    plate_seed = np.random.SeedSequence(seed, spawn_key=(2, plate, *release.encode()))
    rng = np.random.default_rng(plate_seed)
    start = _night(release, rng)
    ra, dec = float(rng.uniform(0.0, 360.0)), float(rng.uniform(-5.0, 55.0))
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(3, index)))
    days = (start - datetime(1858, 11, 17, tzinfo=UTC)).days
    spectrograph, fibre = rng.integers(1, 17), index % 250 + 1
    name = f"spec-{days + 1}-SIM{index:06d}_sp{spectrograph:02d}-{fibre:03d}.fits"
    # DR9 is served as gzip; some copies of images are gzip bytes under a plain name.
    return Observation(
        release=release,
        path=f"{release}/{name}.gz" if release == "dr9" else f"{release}/{name}",
        number=index + 1,
        ra=(ra + rng.normal(0.0, 1.0) / np.cos(np.radians(dec))) % 360.0,
        dec=dec + float(np.clip(rng.normal(0.0, 1.0), -2.5, 2.5)),
        start=start,
        seconds=float(rng.choice((1200, 1800, 2700, 3600, 4500, 5400))),
        snr=_survey_snr(rng),
        size=int(rng.choice((3909, 3904, 3906, 3899, 3890))),
    )


def ccd700(index: int, seed: int) -> Observation:
    """Plan the ``index``-th training spectrum; one in twenty is a native file."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(4, index)))
    native = index % 20 == 7  # noqa: PLR2004 - any one of them
    size, step = (1997, 0.256687) if native else _DETECTORS[int(rng.integers(2))]
    return Observation(
        release="native" if native else "vo",
        path=f"{'native' if native else 'vo'}/sim{index:06d}.fits",
        number=index + 1,
        ra=float(rng.uniform(0.0, 360.0)),
        dec=float(np.degrees(np.arcsin(rng.uniform(-0.2, 1.0)))),
        start=_night("ccd700", rng),
        seconds=float(rng.choice((300, 600, 1200, 1800, 3600))),
        snr=float(rng.lognormal(np.log(110.0), 0.5)),
        size=size,
        step=step,
    )


def _night(release: str, rng: np.random.Generator) -> datetime:
    day, days = _NIGHTS[release]
    hours = float(rng.uniform(11.0, 20.0))
    return datetime.fromisoformat(f"{day}T00:00:00+00:00") + timedelta(
        days=int(rng.integers(days)), seconds=round(3600.0 * hours)
    )


def _survey_snr(rng: np.random.Generator) -> float:
    quantiles = (0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98, 1.0)
    logarithms = np.log((2.0, 5.8, 16.8, 26.6, 55.0, 83.0, 120.0, 210.0, 600.0))
    return float(np.exp(np.interp(rng.random(), quantiles, logarithms)))
