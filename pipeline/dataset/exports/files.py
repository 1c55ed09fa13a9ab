"""All files of an export: those that a format makes, and the images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.concurrency.ordered_executor import OrderedExecutor
from pipeline.dataset.exports.export_set import with_categories
from pipeline.errors import InputFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.dataset.exports.export_set import ExportImage, ExportSet
    from pipeline.dataset.exports.form import Format, Options


def export_files(
    exported: ExportSet,
    form: Format,
    options: Options,
    read_image: Callable[[ExportImage], bytes],
    *,
    categories: str | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Yield the path and the content of each file. Images are read eight at a time.

    Args:
        exported: what is exported.
        form: the format.
        options: what a person said about it.
        read_image: returns the JPEG of an image. It is called from several threads.
        categories: `all`, `used` or `chosen`; None: as the format has it.

    Raises:
        InputFileError: the format cannot have this set; nothing was yielded then.
    """
    if form.image_path is not None and not exported.has_images:
        raise InputFileError(
            f"The export {form.name} has images, and the result has none. Process the video again "
            "with output.images set to true."
        )
    exported = with_categories(exported, categories or form.categories)
    yield from form.files(exported, options)
    if form.image_path is None:
        return
    with OrderedExecutor(cpus=1) as executor:
        images = executor.map_io(lambda image: (image, read_image(image)), iter(exported.images))
        for image, data in images:
            yield form.image_path(image), data
