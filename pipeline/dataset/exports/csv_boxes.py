"""CSV: a row for each object, for spreadsheets and data frames. An image without any has no row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dataset.csv_tables import csv_table
from pipeline.dataset.exports.form import Format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.dataset.exports.export_set import ExportSet
    from pipeline.dataset.exports.form import Options

_HEADER = (
    "video", "run_id", "file_name", "frame_index", "pts_ms", "image_width", "image_height",
    "class", "score", "x", "y", "width", "height",
)  # fmt: skip


def _files(exported: ExportSet, _options: Options) -> Iterator[tuple[str, bytes]]:
    rows = (
        (
            image.video.uri, image.video.run_id, image.name, image.frame_index, image.pts_ms,
            image.width, image.height, exported.labels[box.class_index], box.score, *box.xywh,
        )
        for image in exported.images
        for box in image.boxes
    )  # fmt: skip
    yield "objects.csv", csv_table(_HEADER, rows)


FORMAT = Format("csv", "spreadsheets, data frames", "used", None, _files)
