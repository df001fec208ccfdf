from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from vospec import learning
from vospec.backend import graph, parts
from vospec.backend.session import Engine
from vospec.blocks import Blocks
from vospec.columns import FEATURES, NEAREST, SPECTRA, VECTORS, LineFlag, Table
from vospec.progress import Progress
from vospec.spectra import air_to_vacuum, log_grid
from vospec.spectra.adaptation import FWHM_PER_SIGMA
from vospec.spectra.artefacts import OH_AIR
from vospec.spectra.lines import HALPHA
from vospec.store import Dataset, Store, arrow_schema, matrix

N, N_PARTS = 300, 3
GRID = log_grid(6500.0, 6620.0)
#: So much that nothing in the flux is a cosmic ray.
NOISE = 1.0


@pytest.fixture(scope="module")
def flux() -> np.ndarray:
    rng = np.random.default_rng(7)
    # Nowhere cut by the compression, whose logarithm it undoes.
    logarithm = 0.05 * rng.normal(size=(N, 4)) @ rng.normal(size=(4, len(GRID)))
    return np.exp(logarithm).astype(np.float32)


def _name(number: int) -> str:
    return f"s{number:04d}"


@pytest.fixture
def features(flux: np.ndarray, tmp_path: Path) -> Dataset:
    """Features in parts, an unusable spectrum and one that is no number among them."""
    rows = [
        {"spectrum_id": _name(i), "flux": values, "continuum_noise": NOISE, "quality": 0}
        for i, values in enumerate(flux)
    ]
    rows.append({"spectrum_id": "a bad one", "flux": None, "quality": 32})
    rows.append({"spectrum_id": "no number", "flux": flux[0] * np.nan, "quality": 0})
    return _written(tmp_path, FEATURES, rows)


@pytest.fixture
def spectra(tmp_path: Path) -> Dataset:
    """Every third spectrum teaches."""
    rows = [
        {"spectrum_id": _name(i), "role": "survey" if i % 3 else "training", "quality": 0}
        for i in range(N)
    ]
    # The rows of features, part by part.
    rows += [{"spectrum_id": name, "quality": 0} for name in ("a bad one", "no number")]
    return _written(tmp_path, SPECTRA, rows)


def _written(folder: Path, table: Table, rows: list[dict[str, object]]) -> Dataset:
    dataset = Store(str(folder)).dataset(table.name)
    made = pa.Table.from_pylist(rows, schema=arrow_schema(table))
    step = -(-len(rows) // N_PARTS)

    def content(part: int, _: object) -> list[pa.RecordBatch]:
        return made.slice(part * step, step).to_batches(max_chunksize=40)

    progress = Progress(table.name, len(rows))
    parts.write_here(N_PARTS, dataset, content, table=table, progress=progress)
    return dataset


def _projected(features: Dataset, spectra: Dataset, n_components: int) -> pa.Table:
    directions = graph.components(features, N_PARTS, n_components=n_components, n_sample=10**6)
    content = graph.vectors(features, spectra, directions, GRID)
    batches = [batch for part in range(N_PARTS) for batch in content(part, iter(()))]
    return pa.Table.from_batches(batches, schema=arrow_schema(VECTORS))


def test_projection_keeps_order_and_distances(
    features: Dataset, spectra: Dataset, flux: np.ndarray
) -> None:
    made = _projected(features, spectra, n_components=4)
    assert made.column("spectrum_id").to_pylist() == [_name(i) for i in range(N)]
    assert made.column("survey").to_pylist() == [i % 3 > 0 for i in range(N)]
    vectors = matrix(made.column("vector").combine_chunks())
    # Vectors of rank 4 lose nothing in 4 components.
    logarithm = np.log(flux)
    before = np.linalg.norm(logarithm[:, None] - logarithm[None], axis=2)
    after = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_without_components_vectors_are_compressed_only(
    features: Dataset, spectra: Dataset, flux: np.ndarray
) -> None:
    made = _projected(features, spectra, n_components=0)
    vectors = matrix(made.column("vector").combine_chunks())
    np.testing.assert_array_equal(vectors, learning.compressed(flux))


def test_cosmic_rays_neither_move_a_spectrum_nor_make_a_line(
    spectra: Dataset, tmp_path: Path
) -> None:
    middle = int(np.searchsorted(GRID, HALPHA))
    flux = np.ones((N, len(GRID)), np.float32)
    flux[:2, middle] += 0.5
    # The second is as sure as noise.
    rows = [
        {"spectrum_id": _name(i), "flux": flux[i], "continuum_noise": noise, "quality": 0}
        for i, noise in enumerate([0.01, 1.0, 0.01])
    ]
    features = _written(tmp_path / "spiked", FEATURES, rows)
    made = _projected(features, spectra, n_components=0)
    moved = np.abs(matrix(made.column("vector").combine_chunks())).max(axis=1)
    np.testing.assert_allclose(moved, [0.0, np.log(1.5), 0.0], atol=1e-6)
    np.testing.assert_allclose(made.column("peak").to_numpy(), [0.0, 0.5 / 3, 0.0], atol=1e-6)


def test_lines_must_stand_above_what_the_sky_has_left(spectra: Dataset, tmp_path: Path) -> None:
    line = float(air_to_vacuum(OH_AIR[0]))
    sigma = line / 1800.0 / FWHM_PER_SIGMA
    flux = 1.0 - 0.3 * np.exp(-0.5 * ((GRID - line) / sigma) ** 2)
    flags = [0, LineFlag.SKY_RESIDUAL, LineFlag.SKY_RESIDUAL | LineFlag.NEBULAR, None, 2]
    noise = [0.01, 0.01, 0.01, 0.01, 0.5]
    rows = [
        {"spectrum_id": _name(i), "flux": flux, "continuum_noise": n, "line_flags": f, "quality": 0}
        for i, (n, f) in enumerate(zip(noise, flags, strict=True))
    ]
    made = _projected(_written(tmp_path / "sky", FEATURES, rows), spectra, n_components=0)
    found = made.column("continuum_noise").to_numpy()
    np.testing.assert_allclose(found, [0.01, 0.3, 0.3, 0.01, 0.5], rtol=0.1)


def test_a_sample_is_taken_from_all_parts(
    features: Dataset, flux: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: list[np.ndarray] = []

    class Watched(learning.PrincipalComponents):
        def fit(self, X: np.ndarray, y: object = None) -> "Watched":  # noqa: N803 - scikit-learn's
            fitted.append(X)
            return super().fit(X, y)

    monkeypatch.setattr(learning, "PrincipalComponents", Watched)
    graph.components(features, N_PARTS, n_components=2, n_sample=N // 3)
    rows = [np.flatnonzero((learning.compressed(flux) == row).all(axis=1))[0] for row in fitted[0]]
    # Three of nine row groups, the first and the last among them.
    assert rows[:40] == list(range(40))
    assert rows[-1] == N - 1
    assert len(rows) < N / 2


@pytest.mark.parametrize("many", [N, N + 1])
def test_vertices_stand_cell_by_cell(
    features: Dataset, spectra: Dataset, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "MANY", many)
    rows = _projected(features, spectra, n_components=3)
    vectors = matrix(rows.column("vector").combine_chunks())
    into = graph.divided(vectors, n_jobs=2)
    cells = into.cells
    assert (len(cells) > 1) == (many == N)
    sorted_rows = graph.by_cell(rows, into)
    assert sorted(sorted_rows.column("spectrum_id").to_pylist()) == [_name(i) for i in range(N)]
    placed = matrix(sorted_rows.column("vector").combine_chunks())
    centroids = matrix(cells.column("centroid").combine_chunks())
    nearest = np.linalg.norm(placed[:, None] - centroids, axis=2).argmin(axis=1)
    counts = cells.column("n").to_numpy()
    np.testing.assert_array_equal(nearest, np.repeat(np.arange(len(cells)), counts))


@pytest.mark.spark
@pytest.mark.parametrize("share", ["broadcast", "here"])
def test_neighbours_are_those_of_the_kernel(
    engine: Engine, flux: np.ndarray, tmp_path: Path, share: str
) -> None:
    search, _ = learning.cell_search(flux)
    dataset, blocks = Store(str(tmp_path)).dataset("nearest"), Blocks(N)
    assert blocks.number == 1
    progress = Progress("neighbours", N)
    if share == "broadcast":
        broadcast = engine.session.sparkContext.broadcast(search)
        content = graph.nearest(lambda: broadcast.value, blocks, n_neighbors=5)
        tasks = engine.session.range(0, 1, 1, 1)
        parts.write(tasks, dataset, content, table=NEAREST, progress=progress)
    else:
        content = graph.nearest(lambda: search, blocks, n_neighbors=5)
        parts.write_here(1, dataset, content, table=NEAREST, progress=progress)
    table = dataset.parts().to_table()
    indices, distances = search.nearest(range(N), n_neighbors=5)
    assert table.column("vertex").to_pylist() == list(range(N))
    for name, expected in (("neighbours", indices), ("distances", distances)):
        found = matrix(table.column(name).combine_chunks())
        np.testing.assert_array_equal(found, expected)
