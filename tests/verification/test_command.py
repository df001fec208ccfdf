"""The command line compares candidates with lists of known stars."""

from dataclasses import asdict
from pathlib import Path

import pyarrow.csv
import pytest
import tomlkit

from vospec.__main__ import main
from vospec.job import Job

pytestmark = pytest.mark.spark


@pytest.fixture
def toml(done: Job, tmp_path: Path) -> Path:
    path = tmp_path / "vospec.toml"
    path.write_text(tomlkit.dumps(asdict(done.settings)), encoding="utf-8")
    return path


def test_candidates_are_found_in_lists(
    done: Job, toml: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    candidates = done.plan.runs[0].candidates.table(["spectrum_id", "ra", "dec"])
    half, rest = candidates.slice(0, len(candidates) // 2), len(candidates) - len(candidates) // 2
    pyarrow.csv.write_csv(half, tmp_path / "half.csv")
    pyarrow.csv.write_csv(candidates, tmp_path / "all.csv")
    lists = [word for name in ("half", "all") for word in ("--catalogue", f"{tmp_path}/{name}.csv")]
    output = tmp_path / "stars.csv"
    assert main(["verify", "--config", str(toml), *lists, "--output", str(output)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert f"{len(half)} recovered, 0 missed, 0 unusable, 0 not observed" in told
    assert f"{len(candidates)} recovered, 0 missed, 0 unusable, 0 not observed" in told
    assert any(line.startswith(f"{rest} new candidates") for line in told)
    assert len(output.read_text().splitlines()) == 1 + 2 * len(candidates)


def test_a_list_that_cannot_be_read_ends_in_one_line(
    toml: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing.csv"
    assert main(["verify", "--config", str(toml), "--catalogue", str(missing)]) == 1
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert f"{missing}: cannot be read" in told[0]
