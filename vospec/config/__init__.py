"""The settings of vospec: one TOML file, typed, frozen, unknown keys refused.

Every key stands once, in `sections`, with its default and its meaning; ``vospec
config`` prints them as a documented TOML file. Units are part of the names.
"""

import difflib
import json
import tomllib
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, get_type_hints

import tomlkit

from vospec.config.archives import (
    ArchiveSettings,
    PairsSettings,
    SurveyArchiveSettings,
    TrainingArchiveSettings,
)
from vospec.config.sections import (
    METHODS,
    AdaptationSettings,
    GateSettings,
    GridSettings,
    LearningSettings,
    PublicationSettings,
    RescoreSettings,
    SelectionSettings,
    Settings,
    SparkSettings,
    StoreSettings,
    SurveySettings,
    TrainingSettings,
    VerificationSettings,
)
from vospec.errors import ConfigurationError


def load(path: Path) -> Settings:
    """Read settings from a TOML file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Settings
        What the file says, defaults elsewhere.

    Raises
    ------
    ConfigurationError
        The file cannot be read, is not TOML, or holds an unknown key or a
        value of the wrong kind; the message names the file and the key.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        message = f"{path}: the configuration cannot be read ({fault.strerror})"
        raise ConfigurationError(message) from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        message = f"{path}: this is not TOML ({fault})"
        raise ConfigurationError(message) from fault
    return parse(content, str(path))


def parse(content: dict[str, Any], origin: str) -> Settings:
    """Settings from the tables of a TOML document; `origin` names it in errors."""
    sections = {f.name: f for f in fields(Settings)}
    _refuse_unknown(content, sections, origin)
    types = get_type_hints(Settings)
    return Settings(
        **{
            name: _section(types[name], table, f"{origin}: [{name}]")
            for name, table in content.items()
        }
    )


def _section(kind: type, table: Any, origin: str) -> Any:  # noqa: ANN401 - one of the dataclasses above
    if not isinstance(table, dict):
        message = f"{origin} must be a table, not {table!r}"
        raise ConfigurationError(message)
    known = {f.name: f for f in fields(kind)}
    _refuse_unknown(table, known, origin)
    types = get_type_hints(kind)
    values = {key: _value(known[key], types[key], value, origin) for key, value in table.items()}
    try:
        return kind(**values)
    except ValueError as fault:
        message = f"{origin}: {fault}"
        raise ConfigurationError(message) from fault


def _refuse_unknown(given: dict[str, Any], known: dict[str, Any], origin: str) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "known are: " + ", ".join(known)
            message = f"{origin}: unknown key {key}; {hint}"
            raise ConfigurationError(message)


def _value(key: Field[Any], kind: Any, value: Any, origin: str) -> Any:  # noqa: ANN401 - values of any type
    if kind is float and type(value) is int:
        value = float(value)
    if kind == tuple[str, ...]:
        sound = isinstance(value, list) and all(isinstance(item, str) for item in value)
        value = tuple(value) if sound else value
    else:
        sound = type(value) is kind
    check, expected = key.metadata["check"], key.metadata["expected"]
    if not sound or (check is not None and not check(value)):
        wanted = ", ".join(filter(None, (_type_name(kind), expected)))
        message = f"{origin}: {key.name} = {value!r}, expected {wanted}"
        raise ConfigurationError(message)
    return value


def _type_name(kind: Any) -> str:  # noqa: ANN401 - a type or a generic alias
    names = {str: "text", int: "an integer", float: "a number", bool: "true or false"}
    return names.get(kind, "a list of texts")


def write(path: Path, section: str, **values: str | float) -> None:
    """Set keys of one section in a TOML file; all else in it, comments too, stays.

    Parameters
    ----------
    path : Path
        The file. It is replaced in one step, once the new settings have been checked.
    section : str
        The section; made where there is none.
    **values
        The keys.

    Raises
    ------
    ConfigurationError
        The file cannot be read or written, or the settings would not be sound.
    """
    load(path)
    content: dict[str, Any] = tomlkit.parse(path.read_text(encoding="utf-8"))
    content.setdefault(section, tomlkit.table()).update(values)
    text = tomlkit.dumps(content)
    parse(tomllib.loads(text), str(path))
    # A link stays a link: what it points to is replaced.
    target = path.resolve()
    incoming = target.with_name(target.name + ".incoming")
    try:
        incoming.write_text(text, encoding="utf-8")
        incoming.chmod(target.stat().st_mode)
        incoming.replace(target)
    except OSError as fault:
        message = f"{path}: the configuration cannot be written ({fault.strerror})"
        raise ConfigurationError(message) from fault


def document() -> str:
    """The defaults as a TOML document, every key with its meaning."""
    lines = ["# Settings of vospec. Every key may be left out; these are the defaults."]
    for section, kind in get_type_hints(Settings).items():
        lines += ["", f"# {kind.__doc__}", f"[{section}]"]
        for key in fields(kind):
            allowed = f" ({key.metadata['expected']})" if key.metadata["expected"] else ""
            lines += [
                f"# {key.metadata['meaning']}{allowed}",
                f"{key.name} = {_toml(_default(key))}",
            ]
    return "\n".join(lines) + "\n"


def _default(key: Field[Any]) -> Any:  # noqa: ANN401 - defaults of any type
    return key.default if key.default_factory is MISSING else key.default_factory()


def _toml(value: Any) -> str:  # noqa: ANN401 - values of any type
    """Write text, number or list; JSON writes these as TOML does."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


__all__ = [
    "METHODS",
    "AdaptationSettings",
    "ArchiveSettings",
    "GateSettings",
    "GridSettings",
    "LearningSettings",
    "PairsSettings",
    "PublicationSettings",
    "RescoreSettings",
    "SelectionSettings",
    "Settings",
    "SparkSettings",
    "StoreSettings",
    "SurveyArchiveSettings",
    "SurveySettings",
    "TrainingArchiveSettings",
    "TrainingSettings",
    "VerificationSettings",
    "document",
    "load",
    "parse",
    "write",
]
