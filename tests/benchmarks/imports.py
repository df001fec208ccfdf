"""The rows of a table imported by DaCHS itself, to compare with: ``dachs imp``."""

import os
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa

from tests.conftest import Instance
from tests.service import dachs
from vospec.columns import FEATURES

#: One file of arrays, and a grammar that gives a row after the other.
_DESCRIPTOR = """<resource schema="imported" resdir="imported">
  <meta name="title">Feature vectors</meta>
  <meta name="description">To measure an import by.</meta>
  <meta name="creationDate">2026-01-01T00:00:00Z</meta>
  <meta name="subject">surveys</meta>
  <meta name="creator">vospec</meta>
  <table id="vectors" onDisk="True" primary="spectrum_id">
    <index columns="peak_height"/>
    {columns}
  </table>
  <data id="import">
    <sources>rows.npz</sources>
    <embeddedGrammar>
      <iterator>
        <setup><code>import numpy</code></setup>
        <code>
          with numpy.load(self.sourceToken) as file:
              columns = {{name: file[name] for name in file.files}}
          for row in zip(*columns.values()):
              yield {{name: value.tolist() for name, value in zip(columns, row)}}
        </code>
      </iterator>
    </embeddedGrammar>
    <make table="vectors"/>
  </data>
</resource>
"""


def prepare(instance: Instance, batches: list[pa.RecordBatch]) -> None:
    """Write rows of features and the descriptor of a table for them."""
    folder = instance.folder / "dachs" / "inputs" / "imported"
    folder.mkdir(exist_ok=True)
    table = pa.Table.from_batches(batches)
    flat = table.column("flux").combine_chunks().flatten().to_numpy()
    columns = {name: table.column(name).to_numpy() for name in table.schema.names if name != "flux"}
    columns["spectrum_id"] = np.array(table.column("spectrum_id").to_pylist())
    np.savez(folder / "rows.npz", flux=flat.reshape(len(table), -1), **columns)
    (folder / "q.rd").write_text(_descriptor(), encoding="utf-8")
    for path in (folder, *folder.iterdir()):
        _give(instance, path)


def _descriptor() -> str:
    columns = (
        f'<column name="{column.name}" type="{column.type}" required="{column.type != "text"}"'
        f' description="{escape(column.name)}"/>'
        for column in FEATURES
    )
    return _DESCRIPTOR.format(columns="\n    ".join(columns))


def _give(instance: Instance, path: Path) -> None:
    """Let the account of the services have a file."""
    account = (instance.folder / "dachs").stat()
    os.chown(path, account.st_uid, account.st_gid)


def run(instance: Instance) -> None:
    """Import them."""
    done = dachs.run(instance, "dachs", "imp", "imported/q")
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
