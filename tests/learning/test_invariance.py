"""What shares of classes must keep, whatever the vectors: hypothesis looks for a counterexample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vospec.learning import LabelPropagation, LabelSpreading, Weights

Vectors = NDArray[np.float32]
Classes = NDArray[np.int64]
Method = type[LabelPropagation] | type[LabelSpreading]

#: Neighbours of a vector, odd: of twins both are among them or neither.
K = 7
TOL = 1e-9

BOTH = pytest.mark.parametrize("method", [LabelPropagation, LabelSpreading])
EITHER = pytest.mark.parametrize("weights", ["local_scaling", "binary"])


@st.composite
def problems(draw: st.DrawFn) -> tuple[Vectors, Classes]:
    """Give vectors of a few clusters, some of them labelled, of two classes at least."""
    n, d, seed = (draw(st.integers(*ends)) for ends in ((24, 60), (2, 6), (0, 2**32 - 1)))
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(draw(st.integers(1, 4)), d)) * 3
    vectors = centres[rng.integers(len(centres), size=n)] + rng.normal(size=(n, d))
    classes = np.where(rng.random(n) < 0.3, rng.integers(0, 3, size=n), -1)
    classes[:2] = 0, 1
    return vectors.astype(np.float32), classes


def shares(
    method: Method, vectors: Vectors, classes: Classes, weights: Weights
) -> NDArray[np.float64]:
    fitted = method(n_neighbors=K, weights=weights, tol=TOL, max_iter=10_000)
    return fitted.fit(vectors, classes).label_distributions_


@BOTH
@EITHER
@settings(max_examples=15, deadline=None)
@given(problem=problems(), seed=st.integers(0, 2**32 - 1))
def test_an_order_of_the_vectors_is_an_order_of_the_shares(
    method: Method, weights: Weights, problem: tuple[Vectors, Classes], seed: int
) -> None:
    vectors, classes = problem
    order = np.random.default_rng(seed).permutation(len(vectors))
    found = shares(method, vectors[order], classes[order], weights)
    np.testing.assert_allclose(found, shares(method, vectors, classes, weights)[order], atol=1e-6)


@BOTH
@EITHER
@settings(max_examples=15, deadline=None)
@given(problem=problems())
def test_twins_have_the_same_shares(
    method: Method, weights: Weights, problem: tuple[Vectors, Classes]
) -> None:
    vectors, classes = (np.concatenate([values, values]) for values in problem)
    one, other = np.split(shares(method, vectors, classes, weights), 2)
    np.testing.assert_allclose(one, other, atol=1e-6)


@BOTH
@EITHER
@settings(max_examples=15, deadline=None)
@given(problem=problems(), labelled=st.booleans())
def test_a_group_far_away_changes_nothing_elsewhere(
    method: Method, weights: Weights, problem: tuple[Vectors, Classes], *, labelled: bool
) -> None:
    vectors, classes = problem
    far = vectors + np.float32(1000)
    there = classes if labelled else np.full_like(classes, -1)
    both = shares(method, np.concatenate([vectors, far]), np.concatenate([classes, there]), weights)
    alone = shares(method, vectors, classes, weights)
    # Of vectors a thousand away less is kept in single precision.
    np.testing.assert_allclose(both[: len(vectors)], alone, atol=1e-6)
    if not labelled:
        assert np.isnan(both[len(vectors) :]).all()


@BOTH
@settings(max_examples=15, deadline=None)
@given(problem=problems(), exponent=st.integers(-20, 20))
def test_local_scaling_knows_no_unit_of_distance(
    method: Method, problem: tuple[Vectors, Classes], exponent: int
) -> None:
    vectors, classes = problem
    # By powers of two no bit of a vector is lost.
    scaled = vectors * np.float32(2.0) ** exponent
    found = shares(method, scaled, classes, "local_scaling")
    np.testing.assert_allclose(found, shares(method, vectors, classes, "local_scaling"), atol=1e-6)
