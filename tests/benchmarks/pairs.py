"""How sure pairs of two archives are: real pairs, wrong partners, crowded fields, wrong places.

    python -m tests.benchmarks.pairs [FOLDER]

FOLDER holds lamost.csv and the spectra that it names (default: ../shared/data). Printed is

1. each real pair: how near, how much alike, how bright, and the chance of one as good;
2. wrong partners: the misfits of every CCD700 spectrum with every other LAMOST spectrum;
3. crowded fields: stars of CCD700 in fields of unrelated LAMOST spectra, with and without their
   own: how many wrong pairs a rule makes, how many right ones it keeps;
4. wrong places: every CCD700 spectrum where another star stands that LAMOST has observed.
"""

import csv
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.coordinates import SkyCoord
from numpy.typing import NDArray

from vospec.archives import ArchiveSpectrum, read
from vospec.config import PairsSettings
from vospec.spectra import kernel_fwhm, log_grid
from vospec.spectra.agreement import agreement
from vospec.spectra.comparison import WINDOW, Pair, PairOnGrid
from vospec.spectra.lines import HALPHA
from vospec.verification.pairs.chance import chance, share
from vospec.verification.pairs.partners import on_grid

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
GRID = log_grid(6310.0, 6725.0)
RULES = PairsSettings()
#: LAMOST's spectra per square degree: thin, its mean, and its densest fields.
DENSITIES = (100.0, 500.0, 1500.0)
TRIALS = 2000
SHARES = (0.01, 0.05, 0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Both:
    """Both archives: `own[t]` is the survey's spectrum of the training star t, or -1."""

    training: list[ArchiveSpectrum]
    survey: list[ArchiveSpectrum]
    own: NDArray[np.int_]
    #: (training, survey)
    misfit: NDArray[np.float64]
    separation: NDArray[np.float64]

    @property
    def magnitude(self) -> NDArray[np.float64]:
        given = [next((m for m in (s.mag_r, s.mag_i, s.mag_g) if m), None) for s in self.survey]
        return np.array([np.nan if m is None else m for m in given])

    def others(self, t: int) -> NDArray[np.int_]:
        """Unrelated spectra of the survey."""
        told = np.isfinite(self.misfit[t])
        told[self.own[self.own >= 0]] = False
        return np.flatnonzero(told)


def load(data: Path) -> Both:
    with (data / "lamost.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    files = sorted((data / "ccd700").rglob("*.fits"))
    training, survey = [read(path) for path in files], [read(data / row["file"]) for row in rows]
    flux = np.array([on_grid(vars(one), GRID) for one in survey])
    partner = {row["ccd700_file"]: number for number, row in enumerate(rows)}
    own = np.array([partner.get(str(path.relative_to(data)), -1) for path in files])
    width = float(kernel_fwhm(HALPHA, resolving_power=13000.0, target_resolving_power=1800.0))
    started = time.perf_counter()
    misfit = np.array(
        [
            agreement(s.flux, s.spectral_axis, flux, mask=s.mask, grid=GRID, fwhm=width).misfit
            for s in training
        ]
    )
    elapsed = time.perf_counter() - started
    print(
        f"{misfit.size} comparisons in {elapsed:.1f} s: {1e3 * elapsed / misfit.size:.2f} ms each"
    )
    separation = np.array(
        [
            np.nan if o < 0 else _sky(s).separation(_sky(survey[o])).arcsec
            for s, o in zip(training, own, strict=True)
        ]
    )
    return Both(training, survey, own, misfit, separation)


def _sky(one: ArchiveSpectrum) -> SkyCoord:
    return SkyCoord(one.ra, one.dec, unit="deg")


def shares(both: Both, t: int, s: int, sample: NDArray[np.int_]) -> tuple[float, float]:
    """Agreement and brightness among unrelated spectra."""
    left = sample[sample != s]
    magnitude = both.magnitude
    known = magnitude[left][np.isfinite(magnitude[left])]
    bright = 1.0 if np.isnan(magnitude[s]) else share(magnitude[s], known)
    return share(both.misfit[t, s], both.misfit[t, left]), bright


def real_pairs(both: Both) -> None:
    print("\nreal pairs; chance in a field of 500 survey stars per square degree")
    print(
        f"{'star':<18} {'sep':>5} {'misfit':>7} {'agreement':>9} {'brightness':>10} {'chance':>8}"
    )
    density = 500.0 / 3600.0**2
    within = density * np.pi * RULES.radius_arcsec**2
    for t in np.flatnonzero(both.own >= 0):
        s, r = both.own[t], both.separation[t]
        alike, bright = shares(both, t, s, both.others(t))
        p = float(chance(density * np.pi * r**2, within, alike, bright))
        print(
            f"{both.training[t].object!s:<18} {r:5.1f} {both.misfit[t, s]:7.2f} {alike:9.3f} "
            f"{bright:10.3f} {p:8.1e}"
        )


def wrong_partners(both: Both) -> None:
    print(
        "\nwrong partners: misfit, and residual (RMS, 6540-6590 Å), by quantile; right ones beside"
    )
    print(
        f"{'star':<18} "
        + " ".join(f"{100 * q:6.0f} %" for q in SHARES)
        + f" {'right':>8} {'as good':>8}"
    )
    for t, one in enumerate(both.training):
        wrong = both.misfit[t, both.others(t)]
        told = " ".join(f"{v:8.2f}" for v in np.quantile(wrong, SHARES))
        right = "" if both.own[t] < 0 else f"{both.misfit[t, both.own[t]]:8.2f}"
        as_good = "" if not right else f"{100 * (wrong <= float(right)).mean():6.1f} %"
        print(f"{one.object!s:<18} {told} {right} {as_good}")
    wrong, right = _residuals(both)
    for name, values in (("residuals, wrong", wrong), ("residuals, right", right)):
        print(f"{name:<18} " + " ".join(f"{v:8.4f}" for v in np.quantile(values, SHARES)))


def _residuals(both: Both) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """RMS near Hα of some wrong and of the right partners."""
    rng = np.random.default_rng(1)
    wrong = [
        _rms(one, both.survey[s])
        for t, one in enumerate(both.training)
        for s in rng.choice(both.others(t), 20, replace=False)
    ]
    right = [
        _rms(one, both.survey[s]) for one, s in zip(both.training, both.own, strict=True) if s >= 0
    ]
    return np.array(wrong), np.array(right)


def _rms(training: ArchiveSpectrum, survey: ArchiveSpectrum) -> float:
    names = ("flux", "spectral_axis", "mask")
    pair = PairOnGrid(
        Pair(*(getattr(one, name) for one in (training, survey) for name in names)), GRID, WINDOW
    )
    return pair.fit(3.6, pair.start(3.6)).rms


@dataclass(frozen=True)
class Seen:
    """A candidate: what is expected as near, within the radius, and how it looks."""

    separation: float
    near: float
    within: float
    agreement: float
    brightness: float


Rule = Callable[[Seen], float | None]


def _chance(one: Seen, *shares_: float) -> float | None:
    p = float(chance(one.near, one.within, *shares_))
    return p if p <= RULES.max_chance else None


#: What a candidate is ranked by where a rule takes it; the first rule takes all.
RULE: dict[str, Rule] = {
    "nearest within the radius": lambda one: one.separation,
    "chance by position": _chance,
    "and agreement": lambda one: _chance(one, one.agreement),
    "and brightness": lambda one: _chance(one, one.agreement, one.brightness),
    "and alike (as accepted)": lambda one: (
        _chance(one, one.agreement, one.brightness)
        if one.agreement <= RULES.max_agreement
        else None
    ),
}


def crowded_fields(both: Both) -> None:
    print(f"\ncrowded fields: {TRIALS} fields of each star, unrelated stars at random places")
    print(f"{'rule':<26} " + " ".join(f"{d:>6.0f}/deg²: wrong  right" for d in DENSITIES))
    columns = [_field_rates(both, density) for density in DENSITIES]
    for name in RULE:
        told = [
            f"{100 * wrong[name]:15.2f} % {100 * right[name]:3.0f} %" for wrong, right in columns
        ]
        print(f"{name:<26} " + " ".join(told))
    print("wrong: stars without a spectrum in the survey that get a pair")
    print("right: stars with one that get it, alone of all near them")


def _field_rates(both: Both, density: float) -> tuple[dict[str, float], dict[str, float]]:
    rng = np.random.default_rng(int(density))
    expected = density / 3600.0**2 * np.pi * RULES.radius_arcsec**2
    wrong, right = dict.fromkeys(RULE, 0), dict.fromkeys(RULE, 0)
    has_own = np.flatnonzero(both.own >= 0)
    for t in range(len(both.training)):
        others = both.others(t)
        own = None
        if both.own[t] >= 0:
            own = _seen(both, t, both.own[t], both.separation[t], expected)
        for n in rng.poisson(expected, TRIALS):
            unrelated = [
                _seen(both, t, s, RULES.radius_arcsec * np.sqrt(rng.random()), expected)
                for s in rng.choice(others, n)
            ]
            for name, rule in RULE.items():
                wrong[name] += _taken(rule, name, unrelated) is not None
                if own is not None:
                    right[name] += _taken(rule, name, [own, *unrelated]) is own
    n, n_own = TRIALS * len(both.training), TRIALS * len(has_own)
    return (
        {name: count / n for name, count in wrong.items()},
        {name: count / n_own for name, count in right.items()},
    )


def _taken(rule: Rule, name: str, candidates: list[Seen]) -> Seen | None:
    """The candidate that a rule takes: the nearest, or the only one that passes."""
    ranked = [(rank, one) for one in candidates if (rank := rule(one)) is not None]
    if name.startswith("nearest"):
        return min(ranked, key=lambda pair: pair[0], default=(0.0, None))[1]
    return ranked[0][1] if len(ranked) == 1 else None


_known: dict[tuple[int, int], tuple[float, float]] = {}


def _seen(both: Both, t: int, s: int, separation: float, expected: float) -> Seen:
    if (t, s) not in _known:
        _known[t, s] = shares(both, t, s, both.others(t))
    near = expected * (separation / RULES.radius_arcsec) ** 2
    return Seen(separation, near, expected, *_known[t, s])


def wrong_places(both: Both) -> None:
    print("\nwrong places: every star at the place of every other that the survey has observed")
    taken = near = 0
    for t in range(len(both.training)):
        for other in np.flatnonzero(both.own >= 0):
            if other == t:
                continue
            near += 1
            alike, _ = shares(both, t, both.own[other], both.others(t))
            taken += alike <= RULES.max_agreement
    print(
        f"{near} stars near a wrong one in an empty field; alike by max_agreement: {taken}, ",
        end="",
    )
    print(f"{100 * taken / near:.1f} %; by the radius alone: all")


def main() -> None:
    both = load(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA)
    real_pairs(both)
    wrong_partners(both)
    crowded_fields(both)
    wrong_places(both)


if __name__ == "__main__":
    main()
