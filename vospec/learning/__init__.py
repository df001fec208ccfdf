"""Arrays in, arrays out: from feature vectors and a few labels to ranked classes.

projection      principal components
neighbours      exact nearest neighbours
cells           cells of vectors, where neighbours are sought first
probing         near-exact nearest neighbours, found in cells
centroids       centroids of cells, and which of them are near
scanning        the compiled loops of probing
choosing        the compiled loops of centroids
lanes           squared distances of several pairs at once
novelty         how far a spectrum stands from all labelled ones
graph           weights and the symmetric graph
symmetry        the compiled loops of the symmetric graph
rows            the same for blocks of rows, and products with them
steps           the solvers' steps, of blocks that no process holds together
propagation     Label Propagation and Label Spreading
systems         the linear systems that the two methods are
solvers         power iteration and conjugate gradients, on a product alone
multilevel      their preconditioner, on coarser graphs
grouping        the groups of vertices of those
loops           the compiled loops of the systems, over blocks of rows
compatibility   the same methods exactly as scikit-learn does them
evaluation      average precision, precision of the best, ranks, entropy
tempering       half a score for what shows no line
compression     the logarithm of flux, cut at both ends
hidden          scores of labelled spectra that do not know their label
probability     what a score is worth, here and where targets are rarer
reliability     whether probabilities hold, what thresholds are worth
uncertainty     how far expected precisions move with the labelled stars
validation      every method on labels it has not seen, by star and over the shift
baselines       scikit-learn's classifiers, tuned
folds           parts of like classes, no star in two of them
induction       distributions of vectors that came after the graph
additions       a graph as it meets such vectors
evidence        the neighbours and the labels that a score comes from
"""

from sklearn.exceptions import ConvergenceWarning

from vospec.learning.additions import KnownGraph
from vospec.learning.cells import (
    MANY,
    Cells,
    cell_search,
    default_cells,
    prepared_search,
)
from vospec.learning.centroids import sorted_by_cell
from vospec.learning.compression import compressed
from vospec.learning.evaluation import (
    Precision,
    average_precision,
    entropy,
    precision_at,
    ranks,
)
from vospec.learning.evidence import Partners, contributions, strongest_edges
from vospec.learning.folds import star_folds
from vospec.learning.graph import Weights, local_scales, neighbour_graph
from vospec.learning.hidden import HiddenShares, hidden_shares
from vospec.learning.induction import induced
from vospec.learning.neighbours import NeighbourSearch, nearest
from vospec.learning.novelty import novelty
from vospec.learning.probability import (
    CalibrationMethod,
    Calibrator,
    carried,
    cross_calibrated,
    logistic,
    survey_share,
)
from vospec.learning.probing import CellSearch, default_probes
from vospec.learning.projection import PrincipalComponents
from vospec.learning.propagation import (
    LabelPropagation,
    LabelSpreading,
    Solver,
)
from vospec.learning.reliability import (
    ExpectedPrecision,
    Reliability,
    expected_precision,
    reliability,
)
from vospec.learning.tempering import mean_peaks, tempered
from vospec.learning.uncertainty import precision_spread

__all__ = [
    "MANY",
    "CalibrationMethod",
    "Calibrator",
    "CellSearch",
    "Cells",
    "ConvergenceWarning",
    "ExpectedPrecision",
    "HiddenShares",
    "KnownGraph",
    "LabelPropagation",
    "LabelSpreading",
    "NeighbourSearch",
    "Partners",
    "Precision",
    "PrincipalComponents",
    "Reliability",
    "Solver",
    "Weights",
    "average_precision",
    "carried",
    "cell_search",
    "compressed",
    "contributions",
    "cross_calibrated",
    "default_cells",
    "default_probes",
    "entropy",
    "expected_precision",
    "hidden_shares",
    "induced",
    "local_scales",
    "logistic",
    "mean_peaks",
    "nearest",
    "neighbour_graph",
    "novelty",
    "precision_at",
    "precision_spread",
    "prepared_search",
    "ranks",
    "reliability",
    "sorted_by_cell",
    "star_folds",
    "strongest_edges",
    "survey_share",
    "tempered",
]
