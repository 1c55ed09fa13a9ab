"""Frame records in columns, so that a million of them need little memory.

A sampled frame takes about 80 bytes, and an object 28. As Python objects they take ten times that.
Records are made again when they are asked for, and hold exactly what they held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from pipeline.frame import NO_DETECTIONS, Detections, DuplicateMatch, FrameRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

Columns: TypeAlias = "dict[str, NDArray[Any]]"
"""Frame records, by the name of the column. A row for each frame in `index` (int64), `pts_ms`
(float64), `segment` (int32), `size` (N x 2 int32: width, height), `hash` (ASCII, empty for none),
`duplicate_of` (int64: frame index, or -1 for a kept frame), `distance` (int32), `reason` (ASCII)
and `objects` (int32: number of objects). A row for each object, in the order of the frames, in
`boxes`, `scores` and `class_ids`, as `Detections` has them."""

_KEPT = -1
_OF_FRAMES = ("index", "pts_ms", "segment", "size", "hash", "duplicate_of", "distance", "reason")
_OF_OBJECTS = ("boxes", "scores", "class_ids")
# So many records are put into columns at once.
_RECORDS_A_BLOCK = 1024


class FrameTable:
    """Frame records in order, most of them in columns. It grows at its end only."""

    def __init__(self, blocks: Sequence[Columns] = ()) -> None:
        """Make a table of records that are in columns, block after block."""
        self._blocks = [block for block in blocks if len(block["index"])]
        self._last: list[FrameRecord] = []

    @classmethod
    def of(cls, records: Iterable[FrameRecord]) -> Self:
        """Return the table of these records."""
        table = cls()
        for record in records:
            table.append(record)
        return table

    @classmethod
    def of_columns(cls, columns: Mapping[str, NDArray[Any]]) -> Self:
        """Return the table of which `columns` gave these. Others may be among them.

        Raises:
            KeyError: a column is missing.
            ValueError: columns of one kind have different lengths.
        """
        block = {name: columns[name] for name in (*_OF_FRAMES, "objects", *_OF_OBJECTS)}
        frames = {len(block[name]) for name in (*_OF_FRAMES, "objects")}
        objects = {int(block["objects"].sum()), *(len(block[name]) for name in _OF_OBJECTS)}
        if len(frames) != 1 or len(objects) != 1:
            raise ValueError("The columns of frames or of objects have different lengths.")
        return cls([block])

    def columns(self) -> Columns:
        """Return all records as columns, in one block."""
        blocks = self.blocks() or [_columns([])]
        return {name: np.concatenate([each[name] for each in blocks]) for name in blocks[0]}

    def blocks(self) -> list[Columns]:
        """Return all records as columns, block after block, without copies of what is in blocks."""
        return [*self._blocks, *([_columns(self._last)] if self._last else [])]

    def append(self, record: FrameRecord) -> None:
        """Add the next record."""
        self._last.append(record)
        if len(self._last) == _RECORDS_A_BLOCK:
            self._blocks, self._last = self.blocks(), []

    def extend(self, other: FrameTable) -> None:
        """Add the records of another table."""
        self._blocks, self._last = [*self.blocks(), *other.blocks()], []

    def __len__(self) -> int:
        return sum(len(block["index"]) for block in self._blocks) + len(self._last)

    def __iter__(self) -> Iterator[FrameRecord]:
        for block in self._blocks:
            yield from _records(block, np.arange(len(block["index"])))
        yield from self._last

    def kept(self) -> Iterator[FrameRecord]:
        """Yield the records of the kept frames, in order."""
        for block in self._blocks:
            yield from _records(block, np.flatnonzero(_is_kept(block)))
        yield from (record for record in self._last if record.is_kept)

    @property
    def last_ms(self) -> float:
        """Presentation time of the last frame, in milliseconds; 0 if there is none."""
        if self._last:
            return self._last[-1].pts_ms
        return float(self._blocks[-1]["pts_ms"][-1]) if self._blocks else 0.0

    def objects(self) -> Detections:
        """Return the objects of all frames, in the order of the frames."""
        return Detections.concat([NO_DETECTIONS, *map(_objects, self.blocks())])

    def objects_by_frame(self) -> NDArray[np.int32]:
        """Return the number of objects in each kept frame."""
        counts = (block["objects"][_is_kept(block)] for block in self.blocks())
        return np.concatenate([np.empty(0, np.int32), *counts])

    def with_class_ids(self, new_ids: NDArray[np.int64]) -> FrameTable:
        """Return the table with other class ids: for each id its new one."""
        return FrameTable(
            [{**block, "class_ids": new_ids[block["class_ids"]]} for block in self.blocks()]
        )

    def with_dropped(self, matches: Mapping[int, DuplicateMatch]) -> FrameTable:
        """Return the table with some kept frames dropped, and without their objects.

        Args:
            matches: the match of each, by its frame index.
        """
        return FrameTable([_dropped(block, matches) for block in self.blocks()])


def _columns(records: Sequence[FrameRecord]) -> Columns:
    objects = Detections.concat([NO_DETECTIONS, *(record.detections for record in records)])
    return {
        "index": np.array([record.index for record in records], np.int64),
        "pts_ms": np.array([record.pts_ms for record in records], np.float64),
        "segment": np.array([record.segment for record in records], np.int32),
        "size": np.array([(each.width, each.height) for each in records], np.int32).reshape(-1, 2),
        "hash": np.array([(record.hash or "").encode() for record in records], np.bytes_),
        **_match_columns([record.duplicate for record in records]),
        "objects": np.array([len(record.detections) for record in records], np.int32),
        "boxes": objects.boxes,
        "scores": objects.scores,
        "class_ids": objects.class_ids,
    }


def _match_columns(matches: Sequence[DuplicateMatch | None]) -> Columns:
    rows = [(_KEPT, 0, b"") if each is None else _match_row(each) for each in matches]
    return {
        "duplicate_of": np.array([row[0] for row in rows], np.int64),
        "distance": np.array([row[1] for row in rows], np.int32),
        "reason": np.array([row[2] for row in rows], np.bytes_),
    }


def _match_row(match: DuplicateMatch) -> tuple[int, int, bytes]:
    return match.index, match.distance, match.reason.encode()


def _records(block: Columns, rows: NDArray[np.int64]) -> Iterator[FrameRecord]:
    """Yield the records of some rows."""
    objects, counts = _objects(block), block["objects"]
    starts = np.cumsum(counts) - counts
    columns = [block[name] for name in _OF_FRAMES] + [counts, starts]
    for row in zip(*(column[rows].tolist() for column in columns), strict=True):
        index, pts_ms, segment, (width, height), hash_hex, of, distance, reason, count, start = row
        yield FrameRecord(
            index,
            pts_ms,
            segment,
            width,
            height,
            hash_hex.decode() or None,
            None if of == _KEPT else DuplicateMatch(of, distance, reason.decode()),
            objects[start : start + count] if count else NO_DETECTIONS,
        )


def _dropped(block: Columns, matches: Mapping[int, DuplicateMatch]) -> Columns:
    rows = np.flatnonzero(np.isin(block["index"], list(matches)))
    new = _match_columns([matches[index] for index in block["index"][rows].tolist()])
    changed = dict(block)
    for name, column in new.items():
        # The reasons may be longer than those before.
        changed[name] = block[name].astype(np.promote_types(block[name].dtype, column.dtype))
        changed[name][rows] = column
    changed["objects"] = block["objects"].copy()
    changed["objects"][rows] = 0
    stays = np.repeat(changed["objects"] > 0, block["objects"])
    return {**changed, **{name: block[name][stays] for name in _OF_OBJECTS}}


def _is_kept(block: Columns) -> NDArray[np.bool_]:
    return np.asarray(block["duplicate_of"] == _KEPT)


def _objects(block: Columns) -> Detections:
    return Detections(block["boxes"], block["scores"], block["class_ids"])
