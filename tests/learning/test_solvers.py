import numpy as np
import pytest
from numpy.typing import NDArray

from vospec.learning.solvers import Distributions, Product, conjugate_gradient, power


def system(eigenvalues: NDArray[np.float64]) -> tuple[Product, Distributions, Distributions]:
    """Give the product with an A of these eigenvalues and 0, a B, and the solution."""
    # Blocks [[e, e], [e, e]] / 2 have the eigenvalues e and 0.
    matrix = np.kron(np.diag(np.resize(eigenvalues, 30)), np.full((2, 2), 0.5))
    constant = np.random.default_rng(8).random((60, 3))
    solution = np.asarray(np.linalg.solve(np.eye(60) - matrix, constant))

    def product(distributions: Distributions) -> Distributions:
        return np.asarray(matrix @ distributions)

    return product, constant, solution


def test_conjugate_gradients_need_a_step_an_eigenvalue() -> None:
    # Eigenvalues 0.999, 0.99, 0.9, 0.5 and 0: five steps, one product more to begin and two to end.
    product, constant, expected = system(np.array([0.999, 0.99, 0.9, 0.5]))
    found = conjugate_gradient(product, constant, tol=1e-10, max_iter=100)
    np.testing.assert_allclose(found.distributions, expected, rtol=1e-7)
    assert found.converged
    assert found.n_iter <= 5 + 1 + 2


def test_power_shrinks_the_error_by_the_spectral_radius() -> None:
    product, constant, expected = system(np.array([0.5]))
    found = [power(product, constant, tol=1e-300, max_iter=steps) for steps in (10, 11)]
    errors = [np.abs(solution.distributions - expected).max() for solution in found]
    assert errors[1] / errors[0] == pytest.approx(0.5, rel=1e-6)
    assert not found[0].converged
    assert found[0].n_iter == 10


def test_power_goes_on_where_it_is_told_to_start() -> None:
    product, constant, expected = system(np.array([0.9]))
    found = power(product, constant, tol=1e-12, max_iter=5, start=expected)
    assert (found.n_iter, found.converged) == (1, True)


def test_a_class_without_anything_stays_empty() -> None:
    product, constant, expected = system(np.array([0.9, 0.5]))
    constant[:, 1] = expected[:, 1] = 0
    found = conjugate_gradient(product, constant, tol=1e-10, max_iter=100)
    np.testing.assert_allclose(found.distributions, expected, rtol=1e-7)
