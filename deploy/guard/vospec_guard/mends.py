"""Functions of DaCHS are replaced when their module is imported, before anybody has them.

Debian's files stay as they are. A module in which the function to be replaced does not
exist cannot be imported: an unknown DaCHS is not taken for a guarded one.
"""

import importlib.abc
import importlib.machinery
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

Mend = Callable[[ModuleType], None]


class Mends(importlib.abc.MetaPathFinder):
    """Finds modules as Python does, and has those that are named here mended.

    Parameters
    ----------
    mends : mapping
        What is done to a module, by the module's name.
    """

    def __init__(self, mends: Mapping[str, Mend]) -> None:
        self._mends = mends

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """How a module is loaded; None where nothing is to be mended."""
        if fullname not in self._mends:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _MendingLoader(spec.loader, self._mends[fullname])
        return spec


class _MendingLoader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader, mend: Mend) -> None:
        self._loader = loader
        self._mend = mend

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # From here on the module is one like any other.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        try:
            self._mend(module)
        except (AttributeError, KeyError) as error:
            message = f"the guard does not know this version of DaCHS: {error}"
            raise ImportError(message) from error
