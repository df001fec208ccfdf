"""One download: what is asked, what is fetched, what is left for the next call."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from vospec.archives.ssa import files
from vospec.archives.ssa.manifest import Listing, Query, Spectrum, beside, replace
from vospec.archives.ssa.query import Product, Region, ask, choose, follow, is_datalink, is_fits
from vospec.archives.ssa.transport import Answer, RefusedError, Transport
from vospec.errors import ServiceError
from vospec.progress import Progress

#: Bytes of a file at most.
MOST_FILE = 1 << 26

#: So many failures one after the other, and the service is given up.
_STRIKES = 3
#: Seconds between two writings of the lists.
_INTERVAL = 5.0
_ANSWERED = frozenset({"found", "nothing"})


class Fetching:
    """One call of :func:`vospec.archives.ssa.fetch`, with its parameters."""

    def __init__(
        self,
        url: str,
        folder: Path,
        band: tuple[float, float],
        preferred: str,
        transport: Transport,
    ) -> None:
        self.url, self.folder, self.band = url, folder, band
        self.preferred, self.transport = preferred, transport
        self.manifest = Listing(folder / "manifest.csv", Spectrum)
        self.queries = Listing(folder / "queries.csv", Query, n_key=6)
        self._written = transport.clock()
        self._strikes = 0
        self._names = {row.file.lower() for row in self.manifest.rows.values()}
        for row in list(self.manifest.rows.values()):
            self.manifest.put(self._present(row))

    def write(self) -> None:
        """Write both lists."""
        # In this order: a question may not count as answered before its answer is kept.
        self.manifest.write()
        self.queries.write()
        self._written = self.transport.clock()

    def ask_all(
        self, regions: Sequence[Region | None], most: int, *, again: bool
    ) -> list[tuple[str, ...]]:
        """Ask for each region; give the keys of the questions."""
        keys = [self._key(region) for region in regions]
        for key in keys:
            if again or key not in self.queries.rows:
                self.queries.put(Query._make((*key, "not asked", "", "", "")))
        todo = [
            (key, region)
            for key, region in zip(keys, regions, strict=True)
            if self.queries.rows[key].state not in _ANSWERED
        ]
        with Progress(f"asking {self.url}", len(todo)) as progress:
            for done, (key, region) in enumerate(todo, start=1):
                if self._n_wanted() >= most:
                    break
                self.queries.put(self._ask(key, region))
                progress.update(done)
                self._go_on(self.queries.rows[key].reason)
        # What was found must have its name before its file can be there.
        self.write()
        return keys

    def take(self, products: Iterable[Product]) -> None:
        """Put products on the list of what is downloaded, the best way to each observation."""
        for product in choose(products, self.preferred).values():
            self._list(product)
        self.write()

    def path(self, did: str) -> Path | None:
        """The file of an observation; None where it has not been fetched."""
        row = self.manifest.rows.get((did,))
        return self._path(row) if row is not None and row.state == "fetched" else None

    def download_all(self, most: int) -> None:
        """Download what is pending or has failed before."""
        kept = sum(row.state == "fetched" for row in self.manifest.rows.values())
        waiting = [r for r in self.manifest.rows.values() if r.state in {"pending", "failed"}]
        todo = min(len(waiting), max(most - kept, 0))
        with Progress(f"downloading to {self.folder}", todo) as progress:
            for done, waited in enumerate(waiting, start=1):
                if kept >= most:
                    break
                row = self._download(waited)
                kept += row.state == "fetched"
                self.manifest.put(row)
                progress.update(done)
                self._go_on(row.reason)

    def _key(self, region: Region | None) -> tuple[str, ...]:
        place = ("", "", "") if region is None else tuple(str(value) for value in region)
        return (self.url, *place, *(str(value) for value in self.band))

    def _n_wanted(self) -> int:
        return sum(row.state in {"pending", "fetched"} for row in self.manifest.rows.values())

    def _ask(self, key: tuple[str, ...], region: Region | None) -> Query:
        try:
            found = ask(self.transport, self.url, region, self.band)
        except ServiceError as fault:
            # Who refuses one question after the other is not asked on, either.
            self._strikes += 1
            return Query._make((*key, "failed", "", files.now(), str(fault)))
        self._strikes = 0
        covering = [product for product in found.products if product.covers(self.band)]
        chosen = choose(covering, self.preferred)
        for product in chosen.values():
            self._list(product)
        outside = len({p.publisher_did for p in found.products}) - len(chosen)
        reason = f"{outside} more do not cover the band" if outside else ""
        if found.cut:
            reason = f"the service lists {len(found.products)} rows and says that it has more"
        state = "cut" if found.cut else "found" if chosen else "nothing"
        return Query._make((*key, state, str(len(chosen)), files.now(), reason))

    def _list(self, product: Product) -> None:
        did, kind = product.publisher_did, product.access_format
        known = self.manifest.rows.get((did,))
        if known is not None and known.state == "fetched":
            return
        usable = is_fits(kind) or is_datalink(kind)
        self.manifest.put(
            Spectrum(
                publisher_did=did,
                file=known.file if known else self._name(did),
                sha256="",
                size="",
                access_url=product.access_url,
                access_format=kind,
                fetched_at="",
                state="pending" if usable else "unusable",
                reason="" if usable else f"expected FITS, offered as {kind or 'nothing'} only",
            )
        )

    def _name(self, did: str) -> str:
        """A name that no other observation and no other file of the folder has."""
        stem = files.stem(did)
        name = f"{stem}.fits"
        if name.lower() in self._names or (self.folder / name).exists():
            name = f"{stem}-{files.digest(did.encode())[:12]}.fits"
        self._names.add(name.lower())
        return name

    def _path(self, row: Spectrum) -> Path:
        return self.folder / Path(row.file).name

    def _present(self, row: Spectrum) -> Spectrum:
        """A row as the folder shows it: files may have come or gone since it was written."""
        if row.state not in {"pending", "fetched"}:
            return row
        if not self._path(row).is_file():
            return row._replace(state="pending")
        content = self._path(row).read_bytes()
        if row.state == "pending":
            # Renamed when it was whole, by a call that was killed before it could say so.
            return files.judged(row, content, self.band)
        if files.digest(content) == row.sha256:
            return row
        return row._replace(state="failed", reason="the file was changed or damaged")

    def _download(self, row: Spectrum) -> Spectrum:
        try:
            answer = self._content(row)
            files.check(answer, row.access_url)
        except ServiceError as fault:
            # A service that refuses one thing may well give the next.
            self._strikes = 0 if isinstance(fault, RefusedError) else self._strikes + 1
            return row._replace(state="failed", reason=str(fault), fetched_at=files.now())
        self._strikes = 0
        kept = files.judged(row, answer.content, self.band)
        if kept.state == "fetched":
            beside(self._path(row)).write_bytes(answer.content)
            replace(self._path(row))
        return kept

    def _content(self, row: Spectrum) -> Answer:
        url = row.access_url
        if is_datalink(row.access_format):
            url = follow(self.transport, url)
        return self.transport.get(url, most=MOST_FILE)

    def _go_on(self, reason: str) -> None:
        """Write the lists when it is time to; raise where failures follow one another."""
        if self._strikes >= _STRIKES:
            message = f"{reason} ({_STRIKES} failures in a row; the same command goes on from here)"
            raise ServiceError(message)
        if self.transport.clock() - self._written >= _INTERVAL:
            self.write()
