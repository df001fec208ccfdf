"""Damaged files of every layout end as read or as rejected with a reason.

``VOSPEC_FUZZ_EXAMPLES`` sets the number of files; ``python -m tests.benchmarks.damage``
counts what came of many more.
"""

import os
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.archives.damage import SOUND, STRIKES, Damage, damaged, outcome

EXAMPLES = int(os.environ.get("VOSPEC_FUZZ_EXAMPLES", "2000"))
DAMAGES = st.lists(
    st.builds(
        Damage,
        kind=st.sampled_from(sorted(STRIKES)),
        place=st.floats(0.0, 1.0),
        number=st.integers(0, 2**32),
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("layout", SOUND)
def test_undamaged_they_are_read(layout: str) -> None:
    assert outcome(damaged(layout, [])) == "read"


# The time is that of a hang, not of a measurement.
@settings(
    max_examples=EXAMPLES,
    deadline=timedelta(seconds=10),
    suppress_health_check=list(HealthCheck),
)
@given(layout=st.sampled_from(sorted(SOUND)), damages=DAMAGES)
def test_damaged_they_are_read_or_rejected(layout: str, damages: list[Damage]) -> None:
    known = {"read", "flagged", "UnreadableFileError", "UnknownLayoutError"}
    assert outcome(damaged(layout, damages)) in known


@settings(max_examples=EXAMPLES // 10, deadline=timedelta(seconds=10))
@given(
    content=st.binary(max_size=5000), start=st.sampled_from([b"", b"SIMPLE  =", b"\x1f\x8b\x08"])
)
def test_anything_is_rejected(content: bytes, start: bytes) -> None:
    assert outcome(start + content) == "UnreadableFileError"
