"""How long the measures of lines take, and how far they are from the truth.

python -m tests.benchmarks.lines
"""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tests.spectra.synthetic import GRID, INSTRUMENT, line, noisy, observed
from vospec.spectra import LineMeasures, arm_junction, feature_vectors, log_grid, measure_lines
from vospec.spectra.adaptation import FWHM_PER_SIGMA
from vospec.spectra.lines import FORBIDDEN, HALPHA
from vospec.spectra.profiles import LIGHT_SPEED

SNRS = (5, 10, 20, 50, 100, 200)
N = 400
SIGMA, HEIGHT, SEPARATION = 120.0, 1.0, 300.0


def spectra() -> dict[str, NDArray[np.float64]]:
    """A single peak, a double one and a nebula, over a photosphere without lines."""
    single = 1.0 + observed(0.0, SIGMA, HEIGHT)
    double = 1.0 + observed(-SEPARATION / 2, 75.0, 1.2) + observed(SEPARATION / 2, 75.0, 0.8)
    nebula = 1.0 + line(HALPHA, INSTRUMENT, 4.0)
    for name, area in (
        ("nitrogen_6548", 1.2 / 3.05),
        ("nitrogen_6583", 1.2),
        ("sulphur_6716", 0.6),
    ):
        nebula = nebula + line(FORBIDDEN[name], INSTRUMENT * FORBIDDEN[name] / HALPHA, area)
    helium = line(6679.99, 3.0, 1.0)
    return {
        "single": single + helium,
        "double": double,
        "nebula": nebula,
        "none": np.ones(GRID.size),
    }


def truth(noiseless: dict[str, LineMeasures]) -> list[tuple[str, str, float]]:
    """Kind of spectrum, measure, and what it should be, in closed form where there is one."""
    own = HALPHA * SIGMA / LIGHT_SPEED
    blend = np.hypot(own, INSTRUMENT)
    area = np.sqrt(2 * np.pi) * own * HEIGHT
    return [
        ("single", "equivalent_width", -area),
        ("single", "peak_height", HEIGHT * own / blend),
        ("single", "fwhm", FWHM_PER_SIGMA * blend),
        ("single", "helium_6678", -1.0),
        ("double", "n_peaks", 2),
        ("double", "peak_separation", SEPARATION),
        ("double", "violet_to_red", float(noiseless["double"].violet_to_red[0])),
        ("double", "central_depth", float(noiseless["double"].central_depth[0])),
        ("nebula", "nitrogen_6548", -1.2 / 3.05),
        ("nebula", "nitrogen_6583", -1.2),
        ("nebula", "sulphur_6716", -0.6),
    ]


def measured(spectrum: NDArray[np.float64], snr: float, rng: np.random.Generator) -> LineMeasures:
    """Measures of realisations that went through rectification."""
    slope = 1000.0 * (GRID / HALPHA) ** -1.5
    flux, variance = noisy(spectrum, snr, N, rng)
    vectors = feature_vectors(flux * slope, GRID, variance=variance * slope**2)
    return measure_lines(
        vectors.flux, GRID, noise=vectors.continuum_noise, variance=vectors.variance
    )


def print_truth() -> None:
    """Bias ± scatter of each measure by signal to noise, and how often there is one."""
    rng = np.random.default_rng(1)
    kinds = spectra()
    noiseless = {
        kind: measure_lines(flux[None], GRID, noise=np.array([1e-4]))
        for kind, flux in kinds.items()
    }
    at = {(kind, snr): measured(flux, snr, rng) for kind, flux in kinds.items() for snr in SNRS}
    print(f"{'measure (truth)':33s}" + "".join(f"{f'S/N {snr}':>22s}" for snr in SNRS))
    for kind, name, value in truth(noiseless):
        cells = [_cell(getattr(at[kind, snr], name) - value) for snr in SNRS]
        print(f"{kind + ' ' + name:26s}{value:7.2f}" + "".join(f"{cell:>22s}" for cell in cells))
    pulls = [
        (at["single", snr].equivalent_width - truth(noiseless)[0][2])
        / at["single", snr].equivalent_width_error
        for snr in SNRS
    ]
    print(f"{'(W - truth)/error, single':33s}" + "".join(f"{_cell(pull):>22s}" for pull in pulls))
    shares: dict[str, Callable[[float], float]] = {
        "two peaks in double": lambda snr: float(np.mean(at["double", snr].n_peaks == 2)),
        "two peaks in single": lambda snr: float(np.mean(at["single", snr].n_peaks > 1)),
        "a peak in none": lambda snr: float(np.mean(at["none", snr].n_peaks > 0)),
        "nebular in nebula": lambda snr: float(np.mean(at["nebula", snr].line_flags & 1)),
        "any flag in none": lambda snr: float(np.mean(at["none", snr].line_flags > 0)),
        "any flag in single, double": lambda snr: float(
            np.mean([at[kind, snr].line_flags > 0 for kind in ("single", "double")])
        ),
    }
    for name, share in shares.items():
        print(f"{name:33s}" + "".join(f"{share(snr):22.3f}" for snr in SNRS))


def _cell(error: NDArray[np.float64]) -> str:
    found = error[np.isfinite(error)]
    if found.size < 2:
        return "-"
    lost = "" if found.size == error.size else f" ({100 * found.size / error.size:.0f}%)"
    return f"{found.mean():+.3f} ± {found.std():.3f}{lost}"


def print_times() -> None:
    """Processor time of one spectrum by the size of the batch, the best of seven."""
    rng = np.random.default_rng(2)
    kinds = list(spectra().values())
    whole = log_grid(5600.0, 6745.0)
    print(f"\n{'µs a spectrum':33s}{'measure_lines':>22s}{'arm_junction':>22s}")
    for n in (64, 512, 4096):
        flux = np.concatenate([noisy(kinds[k % 4], 50.0, 1, rng)[0] for k in range(n)])
        noise, variance = np.full(n, 0.02), np.full(flux.shape, 0.02**2)
        pixels = rng.normal(1.0, 0.02, (n, whole.size))
        lines = _best(lambda: measure_lines(flux, GRID, noise=noise, variance=variance))  # noqa: B023 - called at once
        arms = _best(lambda: arm_junction(pixels, whole))  # noqa: B023 - called at once
        print(f"{f'batch of {n}':33s}{1e6 * lines / n:22.1f}{1e6 * arms / n:22.1f}")


def _best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(7):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    print_truth()
    print_times()
