"""The command line: ``vospec COMMAND``.

The outside world's faults end in one line and exit code 1; anything else is a
bug and shows its traceback.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from vospec import __version__, config
from vospec.errors import ConfigurationError, VospecError

logger = logging.getLogger("vospec")

DESCRIPTION = """\
Find emission-line stars in LAMOST spectra and publish them in the Virtual Observatory.

The stages, each of which leaves a dataset in the store and goes on where it was
interrupted:
  ingest    read FITS files: the survey (LAMOST) and the training spectra (CCD700)
  features  adapt the training spectra, rectify all on one wavelength grid
  score     build the neighbour graph, spread the labels, select candidates
  publish   load everything into PostgreSQL, where DaCHS serves it
  run       all of these

New spectra between two runs are scored by additions. Spectra of a service of the Virtual
Observatory are downloaded by fetch. How good the methods are on spectra whose class is
known is told by evaluate, after score.
"""

EPILOG = """\
A first try without data of your own:
  vospec simulate var/simulated
  vospec config > vospec.toml     (then name the folders in it)
  vospec run
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    given = _parser().parse_args(arguments)
    _log(verbose=given.verbose)
    try:
        code: int = given.command(given)
    except VospecError as fault:
        sys.stderr.write(f"vospec: {fault}\n")
        return 1
    except BrokenPipeError:
        # The reader (head, less) has gone; Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        sys.stderr.write("vospec: interrupted; the same command goes on from here\n")
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vospec",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"vospec {__version__}")
    parser.add_argument("-v", "--verbose", action="store_true", help="say more")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_simulate(commands)
    _add_fetch(commands)
    for name, command, meaning in (
        ("ingest", _ingest, "read the FITS files into the store"),
        ("features", _features, "make the feature vectors (after ingest)"),
        ("score", _score, "score all spectra and select candidates (after features)"),
        ("publish", _publish, "load the store into the database (after score)"),
        ("run", _run, "ingest, features, score and publish"),
        ("status", _status, "say what the store holds, what is unusable and why"),
    ):
        _add(commands, name, command, meaning)
    _add(commands, "additions", _additions, ADDITIONS)
    commands.choices["additions"].add_argument("folders", nargs="+", metavar="FOLDER")
    commands.choices["features"].add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write the vectors as CSV too, and FILE-wavelengths.csv beside it",
    )
    _add(commands, "calibrate", _calibrate, CALIBRATE)
    commands.choices["calibrate"].add_argument(
        "--write", action="store_true", help="write the width into the settings file"
    )
    _add(commands, "evaluate", _evaluate, EVALUATE)
    commands.choices["evaluate"].add_argument(
        "--output",
        type=Path,
        default=Path("evaluation"),
        metavar="FOLDER",
        help="where evaluation.csv and evaluation.png go (default: evaluation)",
    )
    _add_plot(commands)
    shown = commands.add_parser("config", help="print all settings with their meaning, as TOML")
    shown.set_defaults(command=_config)
    return parser


# argparse has no public name for what add_subparsers returns.
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001
Command = Callable[[argparse.Namespace], int]


def _add(commands: Commands, name: str, command: Command, meaning: str) -> None:
    parser = commands.add_parser(name, help=meaning, description=meaning)
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("vospec.toml"),
        metavar="FILE",
        help="the settings (default: vospec.toml; see 'vospec config')",
    )
    parser.set_defaults(command=command)


def _add_simulate(commands: Commands) -> None:
    meaning = "write a survey and labelled training spectra of known truth as FITS files"
    parser = commands.add_parser("simulate", help=meaning, description=meaning)
    parser.add_argument("folder", type=Path, help="where to write; made if missing")
    parser.add_argument("--survey", type=_count, default=5000, metavar="N", help="survey spectra")
    parser.add_argument(
        "--training", type=_count, default=1700, metavar="N", help="labelled training spectra"
    )
    parser.add_argument("--seed", type=int, default=1, help="same seed, same files")
    parser.set_defaults(command=_simulate)


def _add_fetch(commands: Commands) -> None:
    meaning = "download the spectra of an SSA service into a folder, which ingest then reads"
    parser = commands.add_parser("fetch", help=meaning, description=f"{meaning}; {FETCH_NOTE}")
    parser.add_argument("folder", type=Path, help="where to write; made if missing")
    parser.add_argument("--ssa", required=True, metavar="URL", help="the service's base address")
    parser.add_argument(
        "--positions", type=Path, metavar="FILE", help="CSV: ra, dec and maybe size, in degrees"
    )
    for option, kind, default, what in (
        ("--radius-arcsec", _positive, 30.0, "around positions without a size (default: 30)"),
        ("--pause", float, 0.5, "seconds between two requests (default: 0.5)"),
        ("--timeout", _positive, 60.0, "seconds without an answer (default: 60)"),
        ("--max", _count, None, "most spectra in the folder (default: all)"),
    ):
        parser.add_argument(option, type=kind, default=default, metavar="N", help=what)
    parser.add_argument(
        "--band",
        type=_positive,
        nargs=2,
        default=(6540.0, 6580.0),
        metavar=("LOW", "HIGH"),
        help="what a spectrum must cover, in Å (default: 6540 6580, Hα)",
    )
    parser.add_argument(
        "--format",
        choices=("application/fits", "image/fits"),
        default="application/fits",
        help="taken first where an observation has both (default: application/fits)",
    )
    parser.add_argument("--again", action="store_true", help="ask for new spectra, too")
    parser.set_defaults(command=_fetch)


def _add_plot(commands: Commands) -> None:
    meaning = "draw spectra into a file"
    kinds = commands.add_parser("plot", help=meaning, description=meaning).add_subparsers(
        metavar="KIND", required=True
    )
    _add(kinds, "pair", _plot_pair, "a star in both archives around Hα, adapted and compared")
    kinds.choices["pair"].add_argument(
        "spectra",
        nargs="+",
        metavar="STAR | FILE FILE",
        help="a name (HD53416) or spectrum_id in the store, or two FITS files",
    )
    _add(kinds, "spectrum", _plot_spectrum, "a whole spectrum, and its Hα line")
    kinds.choices["spectrum"].add_argument(
        "spectrum", metavar="SPECTRUM", help="a FITS file, or a spectrum_id in the store"
    )
    for name, parser in kinds.choices.items():
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help=f"png, pdf or svg (default: {name}-NAME.png in this folder)",
        )


CALIBRATE = "fit the adapting kernel on stars that both archives have observed (after ingest)"
EVALUATE = (
    "judge the methods and what one would take otherwise on labels that they have not seen "
    "(after score)"
)
ADDITIONS = (
    "score new spectra in other folders by the graph of the last run, which stays as it is "
    "(after score); a full run over these folders, too, replaces them"
)
FETCH_NOTE = "what was interrupted goes on; exit code 1: something failed or was cut short"


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        message = f"{text} is not a positive number"
        raise argparse.ArgumentTypeError(message)
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        message = f"{value} is not a positive number"
        raise argparse.ArgumentTypeError(message)
    return value


def _log(*, verbose: bool) -> None:
    # A terminal shows what is said now; a log must also tell when.
    layout = "%(message)s" if sys.stderr.isatty() else "%(asctime)s %(message)s"
    logging.basicConfig(level=logging.WARNING, format=layout, stream=sys.stderr)
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)


def _simulate(given: argparse.Namespace) -> int:
    from vospec.archives import simulated  # noqa: PLC0415 - the other commands need not load it
    from vospec.progress import Progress  # noqa: PLC0415

    total = given.survey + given.training
    with Progress("simulating spectra", total) as progress:
        simulated.simulate(
            given.folder,
            n_survey=given.survey,
            n_training=given.training,
            seed=given.seed,
            progress=progress.update,
        )
    return 0


def _fetch(given: argparse.Namespace) -> int:
    from vospec.archives import ssa  # noqa: PLC0415 - loads what talks to services

    size = 2 * given.radius_arcsec / 3600
    regions = given.positions and ssa.read_positions(given.positions, size=size)
    manners = ssa.Manners(pause=given.pause, timeout=given.timeout)
    with ssa.Transport(manners) as transport:
        outcome = ssa.fetch(
            given.ssa,
            given.folder,
            regions=regions,
            band=tuple(sorted(given.band)),
            preferred=given.format,
            most=given.max,
            again=given.again,
            transport=transport,
        )
    for line in outcome.lines():
        logger.info("%s", line)
    return 0 if outcome.complete else 1


def _config(_: argparse.Namespace) -> int:
    sys.stdout.write(config.document())
    return 0


def _stages(*names: str) -> Command:
    """A command that carries out stages of the pipeline."""

    def command(given: argparse.Namespace) -> int:
        # These load Spark, which --help need not wait for.
        from vospec import pipeline  # noqa: PLC0415
        from vospec.job import open_job  # noqa: PLC0415

        settings = config.load(given.config)
        with open_job(settings) as job:
            for name in names:
                getattr(pipeline, name)(job)
        return 0

    return command


def _features(given: argparse.Namespace) -> int:
    _stages("features")(given)
    if given.csv is not None:
        from vospec import export  # noqa: PLC0415
        from vospec.plan import Plan  # noqa: PLC0415

        rows = export.write_csv(Plan(config.load(given.config)), given.csv)
        logger.info("%s: %d spectra", given.csv, rows)
    return 0


_ingest = _stages("ingest")
_score = _stages("score")
_publish = _stages("publish")
_run = _stages("ingest", "features", "score", "publish")


def _additions(given: argparse.Namespace) -> int:
    from vospec import interim  # noqa: PLC0415
    from vospec.job import open_job  # noqa: PLC0415

    with open_job(config.load(given.config)) as job:
        for line in interim.add(job, tuple(given.folders)):
            sys.stdout.write(line + "\n")
    return 0


def _calibrate(given: argparse.Namespace) -> int:
    from vospec import kernel  # noqa: PLC0415
    from vospec.plan import Plan  # noqa: PLC0415

    fitted = kernel.fit(Plan(config.load(given.config)))
    for line in kernel.lines(fitted):
        sys.stdout.write(line + "\n")
    if given.write:
        width = round(fitted.calibration.fwhm, 2)
        config.write(given.config, "adaptation", kernel="fitted", fwhm_angstrom=width)
        logger.info("%s: [adaptation] kernel = fitted, fwhm_angstrom = %s", given.config, width)
    return 0


def _evaluate(given: argparse.Namespace) -> int:
    from vospec import assessment, evaluate  # noqa: PLC0415
    from vospec.plan import Plan  # noqa: PLC0415

    plan = Plan(config.load(given.config))
    found = evaluate.evaluate(plan)
    sys.stdout.writelines(line + "\n" for line in assessment.lines(found))
    for path in (*assessment.write(found, given.output), *assessment.draw(plan, given.output)):
        logger.info("%s", path)
    return 0


def _plot_pair(given: argparse.Namespace) -> int:
    from vospec import drawn, plots  # noqa: PLC0415
    from vospec.plan import Plan  # noqa: PLC0415

    names = given.spectra
    needed = len(names) == 1 or given.config.exists()
    settings = config.load(given.config) if needed else config.Settings()
    if len(names) > 2:  # noqa: PLR2004 - a pair is two
        message = f"plot pair takes a star or two files, not {len(names)} names"
        raise ConfigurationError(message)
    both = (
        drawn.pair_of_name(Plan(settings), names[0])
        if len(names) == 1
        else drawn.pair_of_files((Path(names[0]), Path(names[1])))
    )
    path = given.output or _figure("pair", both[0].object or Path(names[0]).stem)
    width = drawn.kernel_width(settings.adaptation, *both)
    found = plots.pair(path, *both, fwhm=width, grid=Plan(settings).grid)
    logger.info(
        "%s: RMS of the difference %.4f, not adapted %.4f, noise %.4f; FWHM %.2f Å",
        *(path, found.after, found.before, found.noise, width),
    )
    return 0


def _plot_spectrum(given: argparse.Namespace) -> int:
    from vospec import drawn, plots  # noqa: PLC0415
    from vospec.plan import Plan  # noqa: PLC0415

    name = given.spectrum
    if Path(name).is_file():
        spectrum = drawn.from_file(Path(name))
    else:
        (spectrum,) = drawn.from_store(Plan(config.load(given.config)), name)
    path = given.output or _figure("spectrum", Path(name).name.partition(".")[0])
    title = Path(name).name if spectrum.object is None else f"{spectrum.object} ({Path(name).name})"
    plots.spectrum(path, spectrum, title=title)
    logger.info("%s", path)
    return 0


def _figure(kind: str, name: str) -> Path:
    plain = "".join(letter if letter.isalnum() or letter in "+-." else "" for letter in name)
    return Path(f"{kind}-{plain}.png")


def _status(given: argparse.Namespace) -> int:
    from vospec import status  # noqa: PLC0415

    for line in status.lines(config.load(given.config)):
        sys.stdout.write(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
