"""Write the exports that a run's configuration asks for, each as one archive beside the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import __version__
from pipeline.dataset.exports.files import export_files
from pipeline.dataset.exports.form import Options
from pipeline.dataset.exports.reading import parse_export_set
from pipeline.dataset.exports.registry import FORMATS
from pipeline.errors import ConfigError, InputFileError
from pipeline.storage.archive_writer import write_archive

if TYPE_CHECKING:
    from pipeline.config.schema import Config
    from pipeline.storage.publisher import Publisher


def put_exports(config: Config, coco: bytes, publisher: Publisher, uri: str, run_id: str) -> None:
    """Write `exports/<name>.zip` for each export. Images are read back from the store.

    Args:
        config: the effective configuration of the run.
        coco: the COCO file that the run has written.
        publisher: has written the images.
        uri: path or `s3://bucket/key` of the video.
        run_id: id of the run.

    Raises:
        ConfigError: a form cannot have the result.
        BrokenError, RetryableError: an archive cannot be written.
    """
    exported = parse_export_set(
        coco,
        uri=uri,
        run_id=run_id,
        location=publisher.location,
        pretag=__version__,
        classes=config.detector.classes,
        class_names=config.output.class_names,
        is_archived=config.output.archive_form is not None,
    )
    for name in config.output.exports:
        files = export_files(
            exported, FORMATS[name], Options(), lambda image: publisher.read(image.path)
        )
        try:
            with publisher.block_writer(f"exports/{name}.zip") as write_block:
                write_archive("zip", files, write_block)
        except InputFileError as error:
            raise ConfigError(f"Config key 'output.exports' has {name}: {error}") from error
