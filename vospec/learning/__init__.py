"""Arrays in, arrays out: from feature vectors and a few labels to ranked classes.

projection      principal components
neighbours      exact nearest neighbours
novelty         how far a spectrum stands from all labelled ones
graph           weights and the symmetric graph
propagation     Label Propagation and Label Spreading
systems         the linear systems that the two methods are
solvers         power iteration and conjugate gradients, on a product alone
compatibility   the same methods exactly as scikit-learn does them
evaluation      average precision, precision of the best, ranks, entropy
evidence        the neighbours and the labels that a score comes from
"""

from sklearn.exceptions import ConvergenceWarning

from vospec.learning.evaluation import (
    Precision,
    average_precision,
    entropy,
    precision_at,
    ranks,
)
from vospec.learning.evidence import Partners, contributions, strongest_edges
from vospec.learning.graph import Weights, local_scales, neighbour_graph
from vospec.learning.neighbours import NeighbourSearch, nearest
from vospec.learning.novelty import novelty
from vospec.learning.projection import PrincipalComponents
from vospec.learning.propagation import (
    LabelPropagation,
    LabelSpreading,
    Solver,
)

__all__ = [
    "ConvergenceWarning",
    "LabelPropagation",
    "LabelSpreading",
    "NeighbourSearch",
    "Partners",
    "Precision",
    "PrincipalComponents",
    "Solver",
    "Weights",
    "average_precision",
    "contributions",
    "entropy",
    "local_scales",
    "nearest",
    "neighbour_graph",
    "novelty",
    "precision_at",
    "ranks",
    "strongest_edges",
]
