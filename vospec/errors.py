"""The few exceptions that vospec raises for faults of the outside world.

A caller's mistake is a ``ValueError``; one bad spectrum is a quality bit, not
an exception; what remains is a file, a service or a setting that is not as it
should be, and every such fault is a child of :class:`VospecError`. The command
line turns these into one line and exit code 1.
"""


class VospecError(Exception):
    """A fault of the outside world, told in one sentence that names the thing."""


class ConfigurationError(VospecError):
    """A setting is missing, unknown or of the wrong kind."""


class SpectrumError(VospecError):
    """A file holds no spectrum that vospec can read."""


class UnreadableFileError(SpectrumError):
    """A file cannot be opened, or its FITS structure is damaged."""


class UnknownLayoutError(SpectrumError):
    """A sound file that is of none of the known archives' layouts."""


class LabelListError(VospecError):
    """A list of labels cannot be read, or one of its lines is not a label."""


class SimulationError(VospecError):
    """A folder that should take a simulation holds something else."""


class NoSpectraError(VospecError):
    """A folder that should hold spectra holds none."""


class PairError(VospecError):
    """There are no pairs of spectra of the same star, or not the one that was asked for."""


class EvaluationError(VospecError):
    """Too few labels, or labels of too few kinds, to judge a method by."""


class OutputError(VospecError):
    """A file that was asked for cannot be written."""


class StoreError(VospecError):
    """A dataset of the store is missing, incomplete or damaged, or cannot be written."""


class LockedError(VospecError):
    """Another process works on the store."""


class SparkError(VospecError):
    """Spark cannot start: Java is missing or the master cannot be reached."""


class WorkerError(VospecError):
    """A process that did part of the work has ended before it was done."""


class DatabaseError(VospecError):
    """PostgreSQL cannot be reached or refuses what was asked."""


class ServiceError(VospecError):
    """A service of the Virtual Observatory is silent, broken or not what it should be."""


class ManifestError(VospecError):
    """A folder's list of what was downloaded is not as vospec writes it."""


class PositionListError(VospecError):
    """A list of positions cannot be read, or one of its lines is no position."""


class CatalogueError(VospecError):
    """A list of known stars cannot be read, or one of its tables cannot be told."""


class FileSystemError(VospecError):
    """A file system that a path names cannot be opened."""
