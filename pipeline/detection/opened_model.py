"""A model file that is opened, and what it says of itself; how it is read comes after."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.detection.extra_inputs import check_extra_inputs, make_extra_input
from pipeline.detection.graph import PROBE_SIDE, Graph, TensorInfo
from pipeline.detection.onnx_file import scan
from pipeline.detection.session import CPU, open_session
from pipeline.detection.unsupported import UnsupportedModelError, naming_model, one_line
from pipeline.digest import sha256_of_file
from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.detection.card import ModelCard
    from pipeline.detection.onnx_file import OnnxFile

_MEGABYTE = 1_000_000
_MOST_NAMED = 3


@dataclass(frozen=True)
class OpenedModel:
    """A model file that ONNX Runtime has loaded.

    Attributes:
        path: the file.
        sha256: of the file.
        card: beside it; one that says nothing if there is none.
        graph: its signature.
        producer: what wrote it.
        session: ONNX Runtime's.
    """

    path: Path
    sha256: str
    card: ModelCard
    graph: Graph
    producer: str
    session: Any

    @classmethod
    def open(
        cls, path: Path, providers: tuple[str, ...] = CPU, max_megabytes: float | None = None
    ) -> OpenedModel:
        """Open a model file and read the card beside it; nothing of it is run.

        Args:
            path: the ONNX file.
            providers: what will run it, by ONNX Runtime's names, the preferred first.
            max_megabytes: the largest file to open; None: any.

        Raises:
            BrokenError: it is not there, too large, damaged, not the one on its card, or holds
                what ONNX Runtime does not run.
        """
        # pydantic, behind cards, is a fifth of the function's cold start; see handler/worker.py.
        from pipeline.detection.card import ModelCard  # noqa: PLC0415

        with naming_model(path):
            digest = _digest(path, max_megabytes)
            card = ModelCard.for_model(path) or ModelCard()
            if card.sha256 not in (None, digest):
                raise UnsupportedModelError(
                    f"it is not the one on its card: its sha256 is {digest}, the card says "
                    f"{card.sha256}. Restore the file, or correct the card."
                )
            file = scan(path)
            if file.external:
                names = ", ".join(file.external[:_MOST_NAMED])
                raise UnsupportedModelError(
                    f"{len(file.external)} of its tensors ({names}...) lie in other files, which "
                    "pretag does not open. Save it as one file: "
                    "onnx.save(onnx.load('model.onnx'), 'one.onnx')."
                )
            session = open_session(path, providers)
            return cls(path, digest, card, _graph(session, file), file.producer, session)

    @property
    def extras(self) -> tuple[TensorInfo, ...]:
        """The inputs besides the picture."""
        image = self.graph.image
        return tuple(port for port in self.graph.inputs if port.name != image.name)

    @cached_property
    def probed_outputs(self) -> tuple[TensorInfo, ...]:
        """The outputs with their shapes as they are once it is run on a blank picture.

        Raises:
            UnsupportedModelError: it does not run.
        """
        image = self.graph.image
        check_extra_inputs(self.extras)
        width, height = image.width or PROBE_SIDE, image.height or PROBE_SIDE
        try:
            feed = {port.name: make_extra_input(port, width, height) for port in self.extras}
            feed[image.name] = np.zeros(image.shape(width, height), image.type)
            outputs = self.session.run(None, feed)
        except Exception as error:  # onnxruntime raises a dozen unrelated types
            raise UnsupportedModelError(
                f"it does not run on a blank picture: {one_line(error)}"
            ) from error
        return tuple(
            replace(port, shape=tuple(size or None for size in np.shape(output)))
            for port, output in zip(self.graph.outputs, outputs, strict=True)
        )


def _graph(session: Any, file: OnnxFile) -> Graph:  # noqa: ANN401 - untyped
    try:
        return Graph(
            inputs=tuple(map(TensorInfo.from_node, session.get_inputs())),
            outputs=tuple(map(TensorInfo.from_node, session.get_outputs())),
            metadata=session.get_modelmeta().custom_metadata_map,
            operators=frozenset(file.operators),
            weights=file.weights,
        )
    except UnicodeDecodeError as error:
        raise UnsupportedModelError(
            "its names or metadata are no text in UTF-8. Export it again."
        ) from error


def _digest(path: Path, max_megabytes: float | None) -> str:
    try:
        megabytes = path.stat().st_size / _MEGABYTE
        if max_megabytes is not None and megabytes > max_megabytes:
            raise UnsupportedModelError(
                f"it is {megabytes:.1f} MB, more than detector.max_megabytes "
                f"({max_megabytes:g}) allows."
            )
        return sha256_of_file(path)
    except OSError as error:
        raise BrokenError(f"Model {path} cannot be read: {error.strerror}.") from error
