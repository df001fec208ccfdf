import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA

from tests.learning.profiles import profiles
from vospec.learning import PrincipalComponents


def test_equals_scikit_learn() -> None:
    vectors, _ = profiles(300, 40)
    found = PrincipalComponents(n_components=5).fit(vectors)
    expected = PCA(n_components=5, svd_solver="full").fit(vectors.astype(np.float64))
    signs = np.sign(np.sum(found.components_ * expected.components_, axis=1))
    np.testing.assert_allclose(found.components_ * signs[:, None], expected.components_, atol=1e-9)
    np.testing.assert_allclose(found.explained_variance_, expected.explained_variance_, rtol=1e-9)
    np.testing.assert_allclose(
        found.explained_variance_ratio_, expected.explained_variance_ratio_, rtol=1e-9
    )
    np.testing.assert_allclose(
        found.transform(vectors) * signs, expected.transform(vectors), atol=1e-5
    )


def test_all_components_keep_all_distances() -> None:
    vectors, _ = profiles(100, 20)
    projected = PrincipalComponents(n_components=20).fit_transform(vectors)
    np.testing.assert_allclose(
        np.linalg.norm(projected[1:] - projected[:-1], axis=1),
        np.linalg.norm(vectors[1:] - vectors[:-1], axis=1),
        rtol=1e-5,
    )


def test_largest_element_of_a_component_is_positive() -> None:
    vectors, _ = profiles(300, 40)
    found = PrincipalComponents(n_components=9).fit(vectors).components_
    np.testing.assert_array_equal(found.max(axis=1), np.abs(found).max(axis=1))


def test_order_of_the_sample_does_not_matter() -> None:
    vectors, _ = profiles(300, 40)
    found = PrincipalComponents(n_components=2).fit(vectors)
    shuffled = PrincipalComponents(n_components=2).fit(vectors[::-1])
    np.testing.assert_allclose(found.components_, shuffled.components_, atol=1e-10)


def test_a_sample_without_variance_is_no_division_by_zero() -> None:
    found = PrincipalComponents(n_components=1).fit(np.ones((4, 3)))
    assert found.explained_variance_ratio_.tolist() == [0]
    assert not found.transform(np.ones((2, 3))).any()


def test_follows_scikit_learn() -> None:
    assert clone(PrincipalComponents(n_components=7)).get_params() == {"n_components": 7}


def test_refuses_what_it_cannot_project() -> None:
    with pytest.raises(ValueError, match="n_components: expected 1 to 3, found 4"):
        PrincipalComponents(n_components=4).fit(np.eye(4))
    with pytest.raises(ValueError, match="X: expected a finite matrix"):
        PrincipalComponents(n_components=1).fit([[1.0, np.nan], [0.0, 1.0]])
    fitted = PrincipalComponents(n_components=1).fit(np.eye(4))
    with pytest.raises(ValueError, match="X: expected 4 columns, found 3"):
        fitted.transform(np.eye(3))
