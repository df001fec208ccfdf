"""Columns of the graph's datasets, which are not published."""

from vospec.columns.column import Column, Table
from vospec.columns.spectra import SPECTRUM_ID

_VERTEX = Column("vertex", "bigint", "", "meta.id", "Place in the graph, from 0")

_VECTOR = (
    SPECTRUM_ID,
    Column("survey", "boolean", "", "meta.code", "Whether candidates are sought here"),
    Column("peak", "double precision", "", "phot.flux.density", "Height of Hα over the continuum"),
    Column(
        *("continuum_noise", "real", "", "stat.stdev"),
        "Scatter of the rectified flux, or height of the sky's residues where they are seen",
    ),
    Column("vector", "real[]", "", "", "Place in the space in which neighbours are sought"),
)

_NEIGHBOURS = Column("neighbours", "integer[]", "", "meta.id", "Vertices that an edge leads to")

COMPONENTS = Table(
    "components",
    "Directions of the space in which neighbours are sought; none where it is that of the features",
    (
        Column("component", "smallint", "", "meta.id", "0 is the mean, then the components"),
        Column("vector", "double precision[]", "", "", "Along the compressed features"),
    ),
    ("component",),
)

VECTORS = Table("vectors", "Usable spectra in the space of the graph", _VECTOR, ("spectrum_id",))

CELLS = Table(
    "cells",
    "Cells of that space, in the order in which the graph goes through them",
    (
        Column("cell", "integer", "", "meta.id", "Number of the cell, from 0"),
        Column("n", "bigint", "", "meta.number", "Vertices within"),
        Column("centroid", "real[]", "", "", "The cell is what lies nearest to this"),
    ),
    ("cell",),
)

VERTICES = Table(
    "vertices", "The vectors in the order of the graph", (_VERTEX, *_VECTOR), ("vertex",)
)

NEAREST = Table(
    "nearest",
    "The nearest neighbours of every vertex",
    (_VERTEX, _NEIGHBOURS, Column("distances", "real[]", "", "", "How far they are, ascending")),
    ("vertex",),
)

EDGES = Table(
    "edges",
    "Rows of the symmetric matrix of the graph, neighbours ascending",
    (_VERTEX, _NEIGHBOURS, Column("weights", "double precision[]", "", "", "Weights of the edges")),
    ("vertex",),
)

SHARES = Table(
    "shares",
    "Shares of the classes that have labels, where no process holds them all",
    (
        _VERTEX,
        Column("shares", "double precision[]", "", "", "One a class; none where no label reaches"),
    ),
    ("vertex",),
)
