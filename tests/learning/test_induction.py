"""The rule for additions, against its formula and against what it promises."""

import numpy as np
import pytest

from tests.learning.profiles import profiles
from vospec.learning import (
    LabelPropagation,
    LabelSpreading,
    Weights,
    induced,
    local_scales,
    nearest,
)
from vospec.learning.graph import WEAKEST

WEIGHTS: tuple[Weights, ...] = ("local_scaling", "rbf", "binary")


@pytest.mark.parametrize("weights", WEIGHTS)
def test_is_the_weighted_mean_of_the_nearest(weights: Weights) -> None:
    vectors = profiles(200)[0].astype(np.float64)
    others = profiles(30, seed=4)[0].astype(np.float64)
    distributions = np.random.default_rng(1).dirichlet([1, 1, 1], 200)
    scales = local_scales(nearest(vectors, range(200), n_neighbors=10)[1])
    found = induced(
        *nearest(vectors, others, n_neighbors=10),
        distributions,
        scales=scales,
        weights=weights,
        gamma=0.7,
    )
    for other, shares in zip(others, found, strict=True):
        all_distances = np.linalg.norm(vectors - other, axis=1)
        near = np.argsort(all_distances)[:10]
        squares = all_distances[near] ** 2
        exponents = {
            "local_scaling": squares / (scales[near] * np.sqrt(squares[6])),
            "rbf": 0.7 * squares,
            "binary": np.zeros(10),
        }
        edges = np.maximum(np.exp(-exponents[weights]), WEAKEST)
        np.testing.assert_allclose(shares, edges @ distributions[near] / edges.sum(), rtol=1e-4)


@pytest.mark.parametrize("estimator", [LabelPropagation(), LabelSpreading()])
@pytest.mark.parametrize("weights", WEIGHTS)
def test_is_what_the_estimators_give_other_vectors(
    estimator: LabelPropagation | LabelSpreading, weights: Weights
) -> None:
    vectors, classes = profiles(300)
    others = profiles(40, seed=4)[0]
    y = np.where(np.arange(300) % 9 == 0, classes, -1)
    estimator.set_params(weights=weights).fit(vectors, y)
    distances = nearest(vectors, range(300), n_neighbors=10)[1]
    found = induced(
        *nearest(vectors, others, n_neighbors=10),
        estimator.label_distributions_,
        scales=local_scales(distances),
        weights=weights,
        gamma=1 / np.square(distances.astype(np.float64)).mean(),
    )
    np.testing.assert_allclose(estimator.predict_proba(others), found, rtol=1e-12)


def test_what_all_neighbours_agree_on_is_kept() -> None:
    distributions = np.tile([0.2, 0.8], (50, 1))
    vectors = np.random.default_rng(2).normal(size=(50, 3))
    found = induced(
        *nearest(vectors, vectors[:5] + 0.1, n_neighbors=8), distributions, scales=np.ones(50)
    )
    np.testing.assert_allclose(found, distributions[:5])


def test_neighbours_that_no_label_reaches_give_nothing() -> None:
    distributions = np.array([[1.0, 0.0], [np.nan, np.nan], [0.0, 1.0], [np.nan, np.nan]])
    found = induced([[0, 1], [2, 1], [1, 3]], [[1.0, 1.0]] * 3, distributions, scales=np.ones(4))
    np.testing.assert_array_equal(found, [[1, 0], [0, 1], [np.nan, np.nan]])


def test_others_do_not_matter_to_one() -> None:
    vectors, others = profiles(100)[0], profiles(20, seed=4)[0]
    distributions = np.random.default_rng(1).dirichlet([1, 1], 100)
    indices, distances = nearest(vectors, others, n_neighbors=9)
    whole = induced(indices, distances, distributions, scales=np.ones(100))
    one = induced(indices[7:8], distances[7:8], distributions, scales=np.ones(100))
    np.testing.assert_array_equal(whole[7:8], one)


def test_refuses_what_is_none() -> None:
    with pytest.raises(ValueError, match=r"indices: expected shape \(1, 1\), found \(1, 2\)"):
        induced([[0, 1]], [[1.0]], [[1.0], [0.0]], scales=[1, 1])
    with pytest.raises(ValueError, match="indices: expected vertices 0 to 1, found others"):
        induced([[2]], [[1.0]], [[1.0], [0.0]], scales=[1, 1])
