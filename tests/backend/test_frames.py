import numpy as np
import pyarrow as pa
import pytest

from vospec.backend.frames import lists, spark_schema
from vospec.columns import TABLES, Table
from vospec.store import matrix


def test_a_matrix_survives_as_lists() -> None:
    values = np.arange(12, dtype=np.float32).reshape(4, 3)
    column = lists(values, np.ones(4, dtype=bool), pa.list_(pa.float32()))
    np.testing.assert_array_equal(matrix(column), values)


def test_rows_that_are_not_usable_are_null() -> None:
    values = np.arange(6.0).reshape(3, 2)
    column = lists(values, np.array([True, False, True]), pa.list_(pa.float64()))
    assert column.to_pylist() == [[0.0, 1.0], None, [4.0, 5.0]]


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_column_has_a_spark_type(table: Table) -> None:
    assert [part.split("`")[1] for part in spark_schema(table).split(", ")] == list(table.names)
