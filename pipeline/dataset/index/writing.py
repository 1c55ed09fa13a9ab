"""Make the index page of a folder or a prefix, and write it there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.dataset.index.page import MOST_ROWS, index_html
from pipeline.dataset.index.row import row_of
from pipeline.storage.newest_results import newest_endings

if TYPE_CHECKING:
    from pipeline.storage.newest_results import ResultPlace

PAGE = "index.html"
_PARALLEL_READS = 8


@dataclass(frozen=True)
class WrittenIndex:
    """An index page that was written.

    Attributes:
        location: path or URI of the page.
        results: number of all results and rejections, also of those that the page does not show.
        damaged: manifests and rejections that cannot be read, so that the page leaves them out.
    """

    location: str
    results: int
    damaged: tuple[str, ...]


def write_index_page(place: ResultPlace) -> WrittenIndex:
    """Write `index.html` with the newest results of a place into it.

    Raises:
        PretagError: a result cannot be read, or the page cannot be written.
    """
    paths, total = newest_endings(place, MOST_ROWS)
    with ThreadPoolExecutor(_PARALLEL_READS, thread_name_prefix="read") as executor:
        # Parsed in its thread, so that only rows wait: a manifest of a long video has megabytes.
        rows = list(executor.map(lambda path: (path, row_of(path, place.read(path))), paths))
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    found = [row for _, row in rows if row is not None]
    page = index_html(found, results=total, place=place.location, made=made)
    place.write(PAGE, page.encode())
    return WrittenIndex(
        location=f"{place.location}/{PAGE}",
        results=total,
        damaged=tuple(f"{place.location}/{path}" for path, row in rows if row is None),
    )
