import numpy as np
import pytest

from tests.learning.profiles import profiles
from vospec.learning import nearest, novelty


def test_is_the_distance_to_the_nearest_label_over_the_scale() -> None:
    labelled = np.array([[0.0, 0.0], [10.0, 0.0]])
    queries = np.array([[3.0, 4.0], [10.0, 1.0], [0.0, 0.0]])
    np.testing.assert_allclose(novelty(queries, labelled, [2.0, 4.0, 1.0]), [2.5, 0.25, 0.0])


def test_is_at_most_1_exactly_where_a_label_is_among_the_nearest() -> None:
    vectors, _ = profiles(500)
    labelled = np.arange(0, 500, 25)
    indices, distances = nearest(vectors, range(500), n_neighbors=10)
    found = novelty(vectors, vectors[labelled], distances[:, -1])
    own = np.arange(500)[:, None]
    near = np.any(np.isin(np.hstack([own, indices]), labelled), axis=1, keepdims=True)[:, 0]
    np.testing.assert_array_equal(found <= 1, near)
    assert near.any()
    assert not near.all()


def test_what_no_label_resembles_stands_out() -> None:
    vectors, _ = profiles(300)
    # A broad band where the labelled spectra have a line.
    wavelength = np.linspace(6290.0, 6725.0, 290)
    strange = vectors[:15] - (0.5 * (np.abs(wavelength - 6500) < 100)).astype(np.float32)
    everything = np.vstack([vectors, strange])
    scales = nearest(everything, range(315), n_neighbors=10)[1][:, -1]
    found = novelty(everything, vectors[::2], scales)
    assert found[300:].min() > found[:300].max()


def test_knows_no_unit() -> None:
    vectors, _ = profiles(100)
    scales = np.linspace(0.1, 0.3, 100, dtype=np.float32)
    np.testing.assert_array_equal(
        novelty(vectors * 8, vectors[:5] * 8, scales * 8), novelty(vectors, vectors[:5], scales)
    )


def test_copies_are_as_new_as_their_label_is_far() -> None:
    assert novelty([[0.0], [1.0]], [[1.0]], [0.0, 0.0]).tolist() == [np.inf, 0]


def test_refuses_scales_that_are_none() -> None:
    with pytest.raises(ValueError, match=r"scales: expected shape \(1,\), found \(2,\)"):
        novelty([[0.0]], [[1.0]], [1.0, 2.0])
    with pytest.raises(ValueError, match="scales: expected finite distances"):
        novelty([[0.0]], [[1.0]], [np.nan])
