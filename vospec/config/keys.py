"""What a key of the settings is: a default, a meaning, and a check of what is given."""

from collections.abc import Callable
from dataclasses import field
from typing import Any

Check = Callable[[Any], bool]


def key(default: Any, meaning: str, check: Check | None = None, expected: str = "") -> Any:  # noqa: ANN401 - fields of any type
    """Return the field of a section for a key.

    Parameters
    ----------
    default
        What holds where nothing is given.
    meaning
        The same for people.
    check, expected
        Whether a value of the right type is sound, and what it should be in words.
    """
    metadata = {"meaning": meaning, "check": check, "expected": expected}
    if isinstance(default, tuple | dict):
        return field(default_factory=lambda: default, metadata=metadata)
    return field(default=default, metadata=metadata)


def positive(value: float) -> bool:
    """Whether a number is above 0."""
    return value > 0


def one_of(allowed: tuple[str, ...]) -> tuple[Check, str]:
    """Return the check of a word of some, and what is expected."""
    return lambda value: value in allowed, "one of " + ", ".join(allowed)


def some_of(allowed: tuple[str, ...]) -> tuple[Check, str]:
    """Return the check of a list of words of some, and what is expected."""
    return (
        lambda value: bool(value) and set(value) <= set(allowed),
        "at least one of " + ", ".join(allowed),
    )
