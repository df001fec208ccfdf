"""A small SIMBAD: sources made here, among them true stars at their true places.

The positions (ICRS, J2000), types and spectral types of the true ones are common knowledge;
object types and their hierarchy are SIMBAD's own, as its table otypedef tells them.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import numpy as np
import psycopg
from psycopg import sql

from tests.conftest import Instance
from tests.service import dachs

RESOURCE = "simbad/q"
DESCRIPTOR = Path(__file__).with_name("simbad.rd")

_TABLES = {
    "basic": (
        "oid bigint PRIMARY KEY, main_id text, ra double precision, dec double precision,"
        " otype text, sp_type text, rvz_radvel double precision, nbref integer, update_date text"
    ),
    "otypes": "oidref bigint NOT NULL, otype text",
    "otypedef": (
        "otype text PRIMARY KEY, label text, description text, comment text,"
        " is_candidate smallint, path text"
    ),
    "ident": "oidref bigint NOT NULL, id text",
}
_INDEXES: dict[str, LiteralString] = {
    "basic_place": (
        "CREATE INDEX basic_place ON public.basic USING gist (spoint(radians(ra), radians(dec)))"
    ),
    "otypes_oidref": "CREATE INDEX otypes_oidref ON public.otypes (oidref)",
    "ident_oidref": "CREATE INDEX ident_oidref ON public.ident (oidref)",
    "ident_id": "CREATE INDEX ident_id ON public.ident (id)",
}

#: Code and name of each type by the path of its parents; with a code of candidates, if any.
_HIERARCHY = {
    "": "* Star, G Galaxy G?, IG InteractingG, PaG PairG, GrG GroupG Gr?, ClG ClG C?G, ISM ISM,"
    " Cl* Cluster* Cl?, As* Association As?, Rad Radio, IR Infrared, X X, UV UV, ? Unknown,"
    " grv Gravitation, var Variable, ev Transient",
    "* > ": "** ** **?, MS* MainSequence* MS?, Ma* Massiv* Ma?, Ev* Evolved* Ev?, Y*O YSO Y*?,"
    " V* Variable* V*?, Em* EmLine*, Pe* ChemPec* Pe?, LM* Low-Mass* LM?, PM* HighPM*,"
    " SN* Supernova SN?",
    "* > ** > ": "EB* EclBin EB?, SB* SB* SB?, Sy* Symbiotic* Sy?, CV* CataclyV* CV?,"
    " XB* XrayBin XB?",
    "* > ** > CV* > ": "No* Nova No?",
    "* > ** > XB* > ": "HXB HighMassXBin HX?, LXB LowMassXBin LX?",
    "* > MS* > ": "Be* Be* Be?, dS* delSctV*, gD* gammaDorV*, BS* BlueStraggler BS?",
    "* > Ma* > ": "sg* Supergiant sg?, bC* bCepV* bC?",
    "* > Ma* > sg* > ": "s*b BlueSG s?b, s*r RedSG s?r",
    "* > Ma* > sg* > s*b > ": "WR* WolfRayet* WR?",
    "* > Ev* > ": "PN PlanetaryNeb PN?, pA* post-AGB* pA?, RG* RGB* RB?, WD* WhiteDwarf WD?,"
    " AB* AGB* AB?, HS* HotSubdwarf HS?",
    "* > Ev* > AB* > ": "Mi* Mira Mi?",
    "* > Y*O > ": "Ae* Ae* Ae?, TT* TTauri* TT?, Or* OrionV*, out Outflow of?",
    "* > Y*O > out > ": "HH HerbigHaroObj",
    "* > V* > ": "Er* Eruptive* Er?, Pu* PulsV* Pu?",
    "* > Pe* > ": "a2* alf2CVnV* a2?",
    "G > ": "AGN AGN AG?, EmG EmissionG, H2G HIIG, SBG StarburstG, bCG BlueCompactG",
    "G > AGN > ": "QSO QSO Q?, SyG Seyfert, rG RadioG, LIN LINER",
    "G > AGN > QSO > ": "Bla Blazar Bz?",
    "G > AGN > QSO > Bla > ": "BLL BLLac BL?",
    "G > AGN > SyG > ": "Sy1 Seyfert1, Sy2 Seyfert2",
    "ISM > ": "HII HIIReg, SNR SNRemnant SR?, Cld Cloud, SFR StarFormingReg",
    "ISM > Cld > ": "MoC MolCld, RNe RefNeb, DNe DarkNeb",
    "Cl* > ": "OpC OpenCluster, GlC GlobCluster Gl?",
    "Rad > ": "mm Radio(mm), cm Radio(cm)",
}


def types() -> Iterator[tuple[str, str, str, int]]:
    """Code, name, path and whether it is of candidates, of every object type."""
    for parents, children in _HIERARCHY.items():
        for child in children.split(", "):
            code, label, *candidate = child.strip().split(" ")
            yield code, label, parents + code, 0
            for other in candidate:
                yield other, f"{label}_Candidate", parents + code, 1


@dataclass(frozen=True)
class Source:
    """One source; `otypes` has all types but the main one."""

    main_id: str
    ra: float
    dec: float
    otype: str
    otypes: tuple[str, ...] = ("*",)
    sp_type: str | None = None
    velocity: float | None = None
    n_references: int = 1
    updated: str | None = "2023-05-17"
    names: tuple[str, ...] = field(default=())


GAMMA_CAS = Source(
    *("* gam Cas", 14.1772154, 60.7167403, "Be*", ("*", "X", "V*", "HXB", "**", "Em*")),
    *("B0.5IVpe", -7.38, 1320, "2024-01-09", ("HD 5394", "HR 264")),
)
BT_CMI = Source(
    *("V* BT CMi", 119.2658400, 2.9482255, "Be*", ("*", "V*"), "B2Vne", 25.0, 47),
    names=("HD 65079",),
)
HD_53416 = Source(
    *("HD 53416", 106.3950900, 14.4754810, "Em*", ("*", "Be*"), "B8", None, 31),
    names=("MWC 545",),
)
#: Stars with emission lines, of every kind that is counted as known.
EMISSION = (
    GAMMA_CAS,
    BT_CMI,
    HD_53416,
    Source(
        "* zet Tau", 84.4111892, 21.1425440, "Be*", ("*", "SB*", "V*"), "B1IVe_shell", 20.0, 741
    ),
    Source("* phi Per", 25.9151572, 50.6887313, "Be*", ("*", "SB*"), "B1.5V:e-shell", 0.8, 441),
    Source("* psi Per", 54.1224119, 48.1926331, "Be*", ("*", "V*"), "B5Ve", -0.7, 274),
    Source("* bet CMi", 111.7876740, 8.2893157, "Be*", ("*", "V*"), "B8Ve", 22.0, 336),
    Source("* kap Dra", 188.3705954, 69.7882376, "Be*", ("*", "SB*"), "B6IIIe", -11.4, 256),
    Source("* 48 Per", 62.1653853, 47.7125117, "Be*", ("*",), "B4Ve", 0.8, 215),
    Source("V* EW Lac", 344.2687383, 48.6840683, "Be*", ("*", "V*"), "B4IIIep", -10.1, 272),
    Source("V* FS CMa", 97.0725897, -13.0530801, "V*", ("*", "Em*"), "B2IV/V[e]", 21.6, 418),
    Source("V* AB Aur", 73.9410210, 30.5511940, "Ae*", ("*", "Em*", "V*"), "A0Ve", 8.9, 1133),
    Source("V* T Tau", 65.4976430, 19.5351170, "TT*", ("*", "Or*", "Em*"), "K0IV/Ve", 23.9, 1509),
    Source("WR 140", 305.1165672, 43.8545233, "WR*", ("*", "SB*", "X"), "WC7p+O5", -7.6, 576),
    Source("V* AG Peg", 327.7582321, 12.6255831, "Sy*", ("*", "No*", "Em*"), "M3III", -6.2, 614),
    Source("V* SS Cyg", 325.6783543, 43.5860925, "CV*", ("*", "No*", "X"), "K5V", -62.0, 1411),
)
OTHERS = (
    Source("* alf Lyr", 279.2347348, 38.7836890, "dS*", ("*", "IR"), "A0Va", -20.6, 2743),
    Source("HD 209458", 330.7950180, 18.8843190, "V*", ("*", "PM*"), "F9V", -14.7, 1417),
)
CONTAMINANTS = (
    Source("M 57", 283.3961630, 33.0291340, "PN", ("*", "Em*", "IR"), None, -19.0, 1046),
    Source("3C 273", 187.2779154, 2.0523883, "Bla", ("QSO", "X", "Rad"), None, None, 5722),
    Source("M 42", 83.8220833, -5.3911111, "HII", ("ISM", "Cl*"), None, 28.5, 3412),
    Source("M 81", 148.8882190, 69.0652950, "Sy2", ("G", "X"), None, -39.0, 3830),
)
UNCLEAR = (Source("IRAS 00000+0001", 0.4, 0.4, "IR", ("IR", "Rad"), None, None, 2, None),)
TRUE = (*EMISSION, *OTHERS, *CONTAMINANTS, *UNCLEAR)

#: Types of made sources and their shares.
_MIXTURE = (
    ("*", ("*",), 0.40),
    ("PM*", ("*",), 0.20),
    ("V*", ("*", "V*"), 0.15),
    ("Be*", ("*", "Em*"), 0.05),
    ("Be?", ("*",), 0.02),
    ("Em*", ("*",), 0.03),
    ("G", ("G",), 0.08),
    ("QSO", ("QSO",), 0.04),
    ("IR", ("IR",), 0.03),
)


def made(n: int, *, seed: int = 1) -> list[Source]:
    """Sources all over the sky; every twentieth has another within an arcsecond."""
    random = np.random.default_rng(seed)
    ra = random.uniform(0, 360, n)
    dec = np.degrees(np.arcsin(random.uniform(-1, 1, n)))
    kinds = random.choice(len(_MIXTURE), n, p=[share for *_, share in _MIXTURE])
    sources = []
    for number, kind in enumerate(kinds):
        otype, otypes, _ = _MIXTURE[kind]
        place = (ra[number], dec[number])
        if number % 20 == 19:
            place = (sources[-1].ra, sources[-1].dec + 1.0 / 3600)
        sources.append(
            Source(f"MADE {number}", *place, otype, otypes, n_references=int(number % 50))
        )
    return sources


def connect(database: str) -> psycopg.Connection[tuple[object, ...]]:
    """The database as the role with which DaCHS fills its tables."""
    return psycopg.connect(database, autocommit=True)


#: Rows of each table.
Rows = Mapping[str, Iterable[tuple[Any, ...]]]


def fill(database: str, rows: Rows) -> None:
    """Replace all that the small SIMBAD holds; the tables are made where they are missing."""
    with connect(database) as connection, connection.transaction():
        for name, columns in _TABLES.items():
            table = sql.Identifier("public", name)
            connection.execute(
                sql.SQL("CREATE TABLE IF NOT EXISTS {} ({})").format(table, sql.SQL(columns))
            )
            connection.execute(sql.SQL("DELETE FROM {}").format(table))
        for name, of_table in rows.items():
            statement = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier("public", name))
            with connection.cursor().copy(statement) as copy:
                for row in of_table:
                    copy.write_row(row)
        for name, statement in _INDEXES.items():
            if connection.execute("SELECT to_regclass(%s)", (f"public.{name}",)).fetchone() == (
                None,
            ):
                connection.execute(statement)
    with connect(database) as connection:
        connection.execute("ANALYZE public.basic, public.otypes")


def rows_of(sources: Iterable[Source]) -> Rows:
    """Sources as rows of all tables."""
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _TABLES}
    rows["otypedef"] = list(type_rows())
    for oid, one in enumerate(sources, start=1000):
        told = (one.otype, one.sp_type, one.velocity, one.n_references, one.updated)
        rows["basic"].append((oid, one.main_id, one.ra, one.dec, *told))
        rows["otypes"] += [(oid, otype) for otype in sorted({one.otype, *one.otypes})]
        rows["ident"] += [(oid, name) for name in (one.main_id, *one.names)]
    return rows


def type_rows() -> Iterator[tuple[Any, ...]]:
    """Rows of the table of object types."""
    for code, label, path, candidate in types():
        yield code, label, f"What is called {label}", None, candidate, path


def install(instance: Instance, rows: Rows) -> None:
    """Let the DaCHS of an instance serve a small SIMBAD."""
    fill(instance.database, rows)
    inputs = instance.folder / "dachs" / "inputs"
    owner, resource = inputs.stat(), inputs / "simbad"
    shutil.rmtree(resource, ignore_errors=True)
    resource.mkdir()
    shutil.copy(DESCRIPTOR, resource / "q.rd")
    for path in (resource, resource / "q.rd"):
        os.chown(path, owner.st_uid, owner.st_gid)
    _dachs(instance, "imp", "-m", RESOURCE)


def remove(instance: Instance) -> None:
    """Take the small SIMBAD away, of which other tests of the service know nothing."""
    _dachs(instance, "drop", RESOURCE)
    shutil.rmtree(instance.folder / "dachs" / "inputs" / "simbad")


def _dachs(instance: Instance, *command: str) -> None:
    done = dachs.run(instance, "dachs", *command)
    assert done.returncode == 0, done.stdout + done.stderr
