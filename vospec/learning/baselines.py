"""What one would take otherwise: scikit-learn's classifiers, tuned.

They learn from the labelled vectors alone. Their parameters are chosen among a few by
the average precision in inner folds, in which no star stands on both sides: a choice
that sees labels only, as every choice before a survey is scored must be.

Cost: parameters × folds fits of each classifier; minutes for a forest of 1700 labels.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier

from vospec.learning.evaluation import average_precision
from vospec.learning.folds import star_folds

Baseline = Literal["random_forest", "logistic_regression", "k_neighbors"]

#: Parameters that are tried.
GRIDS: dict[Baseline, dict[str, list[Any]]] = {
    "random_forest": {"max_features": ["sqrt", 0.3], "min_samples_leaf": [1, 5]},
    "logistic_regression": {"C": [0.01, 0.1, 1.0, 10.0, 100.0]},
    "k_neighbors": {"n_neighbors": [3, 5, 10, 20, 40], "weights": ["uniform", "distance"]},
}

#: Folds in which parameters are compared.
INNER_FOLDS = 3

#: Trees of a forest: spectra of equal score count as one step of a ranking, and of half as
#: many trees twice as many spectra have equal ones.
N_TREES = 200


def tuned(  # noqa: PLR0913 -- named parameters of one method
    baseline: Baseline,
    vectors: ArrayLike,
    classes: ArrayLike,
    stars: ArrayLike,
    *,
    targets: ArrayLike,
    seed: int = 0,
) -> GridSearchCV:
    """Fit a classifier with the parameters that do best in folds by star.

    Parameters
    ----------
    baseline : {'random_forest', 'logistic_regression', 'k_neighbors'}
        Which.
    vectors : array_like, shape (n, d)
        Labelled vectors.
    classes : array_like of int, shape (n,)
        Their classes.
    stars : array_like, shape (n,)
        Star of each vector.
    targets : array_like of int
        Classes that are sought.
    seed : int, optional
        Of the folds and the forest.

    Returns
    -------
    sklearn.model_selection.GridSearchCV
        Fitted, with ``predict_proba``, ``classes_`` and ``best_params_``.

    Raises
    ------
    ValueError
        When the name is none of the three.
    """
    if baseline not in GRIDS:
        message = f"baseline: expected one of {', '.join(GRIDS)}, found {baseline!r}"
        raise ValueError(message)

    def quality(model: Any, some: NDArray[Any], truth: NDArray[Any]) -> float:  # noqa: ANN401 -- scikit-learn ships no types
        shares = model.predict_proba(some)[:, np.isin(model.classes_, targets)]
        return average_precision(truth, shares.sum(axis=1), targets=targets)

    # All parameters of a baseline see the same vectors: single precision serves all.
    given = np.asarray(vectors, dtype=np.float32), np.asarray(classes)
    parts = star_folds(np.isin(classes, targets), stars, n_splits=INNER_FOLDS, seed=seed)
    grid = dict(GRIDS[baseline])
    if "n_neighbors" in grid:
        # No more neighbours than there are to find.
        most = min(len(train) for train, _ in parts)
        grid["n_neighbors"] = sorted({min(number, most) for number in grid["n_neighbors"]})
    search = GridSearchCV(
        _classifier(baseline, seed), grid, scoring=quality, cv=parts, error_score="raise"
    )
    return search.fit(*given)


def _classifier(baseline: Baseline, seed: int) -> Any:  # noqa: ANN401 -- as above
    if baseline == "random_forest":
        return RandomForestClassifier(N_TREES, random_state=seed)
    if baseline == "logistic_regression":
        return LogisticRegression(max_iter=5000)
    return KNeighborsClassifier()
