"""What a simulated set is made of: the kinds of spectra, their shares and true classes.

The class is that of the Hα profile as the eye sees it at R 13 000, by the scheme of the
published Ondřejov list:

- a shell spectrum (two peaks beside a deep narrow core) is ``double_peak``;
- P Cygni profiles and active M dwarfs are ``emission``;
- a nebular line is ``emission`` too: the light is not the star's, but the profile cannot
  tell; whoever counts it as a contaminant finds it by its kind;
- an M dwarf without emission is ``absorption``, though bands are all that it shows;
- a spoilt spectrum is ``artefact``, whatever star is behind it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Kind:
    """A kind of spectrum.

    Attributes
    ----------
    name
        What is to be seen.
    class_
        One of ``columns.CLASSES``.
    share
        Part of the set.
    hosts
        Relative frequency of the spectral types behind it.
    """

    name: str
    class_: str
    share: float
    hosts: Mapping[str, float]


#: Types of the public LAMOST files: 15 % A, 32 % F, 29 % G, 16 % K, 6 % M, hardly any B;
#: B is raised so that early types without emission are there at all.
FIELD = {"B": 4.0, "A": 16.0, "F": 33.0, "G": 29.0, "K": 18.0}
_EARLY = {"B": 7.0, "A": 3.0}
_M = {"M": 1.0}

#: The survey: searches find emission in 0.1 … 0.3 % of LAMOST's spectra; 1 % of stars with
#: discs is enough to measure a ranking on 5000 spectra. Artefacts are as frequent as they
#: are among the candidates that the seed paper discards by eye (section 8).
SURVEY = (
    Kind("absorption", "absorption", 0.8985, FIELD),
    Kind("m_dwarf", "absorption", 0.05, _M),
    Kind("single_peak", "emission", 0.004, _EARLY | {"K": 1.0}),
    Kind("double_peak", "double_peak", 0.004, _EARLY),
    Kind("shell", "double_peak", 0.002, _EARLY),
    Kind("p_cygni", "emission", 0.0015, {"B": 1.0}),
    # One M dwarf in ten is active.
    Kind("active_m_dwarf", "emission", 0.004, _M),
    Kind("nebular", "emission", 0.004, FIELD),
    Kind("sky_residual", "artefact", 0.01, FIELD),
    Kind("cosmic_ray", "artefact", 0.01, FIELD),
    Kind("arm_step", "artefact", 0.006, FIELD),
    Kind("zero_run", "artefact", 0.004, FIELD),
    Kind("no_signal", "artefact", 0.002, FIELD),
)

#: The training set: the classes in the proportions of the published list, 5301 emission,
#: 6102 absorption, 1533 double peak of 12 936. Ondřejov observes early types; the late ones
#: are there because a graph gives every vertex a class: where no label resembles a late
#: star, its weak Hα becomes "emission".
TRAINING = (
    Kind(
        "absorption",
        "absorption",
        0.4267,
        {"B": 30.0, "A": 28.0, "F": 16.0, "G": 12.0, "K": 9.0},
    ),
    Kind("m_dwarf", "absorption", 0.045, _M),
    Kind("single_peak", "emission", 0.3598, _EARLY | {"K": 0.3}),
    Kind("p_cygni", "emission", 0.03, {"B": 1.0}),
    Kind("active_m_dwarf", "emission", 0.02, _M),
    Kind("double_peak", "double_peak", 0.08, _EARLY),
    Kind("shell", "double_peak", 0.0385, _EARLY),
)


def allot(kinds: tuple[Kind, ...], n: int, seed: np.random.SeedSequence) -> NDArray[np.intp]:
    """Index of the kind of each of ``n`` spectra, in random order.

    The numbers follow the shares exactly (largest remainders), so that rare kinds are
    not left to chance.
    """
    wanted = n * np.array([kind.share for kind in kinds])
    counts = np.floor(wanted).astype(int)
    missing = np.argsort(counts - wanted, kind="stable")[: n - counts.sum()]
    counts[missing] += 1
    order = np.random.default_rng(seed).permutation(n)
    return np.repeat(np.arange(len(kinds)), counts)[order]
