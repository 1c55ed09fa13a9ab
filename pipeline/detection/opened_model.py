"""A model file that is opened, but not yet recognised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipeline.detection.graph import Graph, TensorInfo
from pipeline.detection.model_folder import is_bundled
from pipeline.detection.onnx_file import scan_onnx_file
from pipeline.detection.probing import probe_shapes
from pipeline.detection.session import CPU_ONLY, open_session
from pipeline.detection.trial import TrialLimits, can_try, try_model
from pipeline.detection.unsupported import UnsupportedModelError, as_broken_error
from pipeline.digest import sha256_of_file
from pipeline.errors import BrokenError
from pipeline.text import shortened

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.detection.card import ModelCard
    from pipeline.detection.onnx_file import OnnxFile
    from pipeline.detection.trial import Trial

_MEGABYTE = 1_000_000
_MAX_NAMES_IN_MESSAGE = 3
_USUAL_LIMITS = TrialLimits()


@dataclass(frozen=True)
class OpenedModel:
    """A model file that ONNX Runtime has loaded.

    Attributes:
        path: path of the model file.
        sha256: sha256 (hex) of the model file.
        card: the model card beside the file; an empty one if there is none.
        graph: the model's inputs, outputs, metadata, operators and weights.
        producer: the program that wrote the file; empty if the file does not name it.
        trial: what the model's trial found; None if it had none.
        session: the ONNX Runtime session.
    """

    path: Path
    sha256: str
    card: ModelCard
    graph: Graph
    producer: str
    trial: Trial | None
    session: Any

    @classmethod
    def open(
        cls,
        path: Path,
        providers: tuple[str, ...] = CPU_ONLY,
        max_megabytes: float | None = None,
        trial_limits: TrialLimits = _USUAL_LIMITS,
    ) -> OpenedModel:
        """Open a model file, and the card beside it.

        A model from outside of the models folder is tried before, where that is possible.

        Args:
            path: path of the ONNX file.
            providers: names of ONNX Runtime's execution providers, the preferred one first.
            max_megabytes: largest file to open; None for no limit.
            trial_limits: what the trial may use.

        Raises:
            BrokenError: the file cannot be read, is too large or damaged, is not the file of its
                card, needs more than the limits of the trial, or ONNX Runtime cannot load it; or
                the card is not valid.
        """
        # The card needs pydantic, which takes a fifth of the function's cold start to import.
        from pipeline.detection.card import ModelCard  # noqa: PLC0415

        with as_broken_error(path):
            sha256 = _checked_sha256(path, max_megabytes)
            card = ModelCard.for_model(path) or ModelCard()
            if card.sha256 not in (None, sha256):
                raise UnsupportedModelError(
                    f"it is not the file of its card: its sha256 is {sha256}, the card has "
                    f"{card.sha256}. Restore the file, or correct the card."
                )
            file = scan_onnx_file(path)
            if file.external:
                names = ", ".join(map(shortened, file.external[:_MAX_NAMES_IN_MESSAGE]))
                more = ", ..." if len(file.external) > _MAX_NAMES_IN_MESSAGE else ""
                raise UnsupportedModelError(
                    f"the values of {len(file.external)} tensors ({names}{more}) are in other "
                    "files, which pretag does not open. Save the model as one file: "
                    "onnx.save(onnx.load('model.onnx'), 'one.onnx')."
                )
            # Bundled models came with pretag, or were tried when they were added.
            is_tried = is_bundled(path) or not can_try(providers)
            trial = None if is_tried else try_model(path, trial_limits)
            session = open_session(path, providers)
            return cls(path, sha256, card, _graph(session, file), file.producer, trial, session)

    @property
    def extra_inputs(self) -> tuple[TensorInfo, ...]:
        """The inputs besides the image.

        Raises:
            UnsupportedModelError: no input takes an image.
        """
        image_input = self.graph.image_input
        return tuple(tensor for tensor in self.graph.inputs if tensor.name != image_input.name)

    @cached_property
    def probed_outputs(self) -> tuple[TensorInfo, ...]:
        """The outputs with the shapes that they have after a run on a blank image.

        Raises:
            UnsupportedModelError: the run fails.
        """
        if self.trial is None:
            shapes = probe_shapes(self.session)
        elif self.trial.shapes is None:
            raise UnsupportedModelError(str(self.trial.failure))
        else:
            shapes = self.trial.shapes
        return tuple(
            replace(tensor, shape=shape)
            for tensor, shape in zip(self.graph.outputs, shapes, strict=False)
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
            "its names or metadata are not text in UTF-8. Export it again."
        ) from error


def _checked_sha256(path: Path, max_megabytes: float | None) -> str:
    """Return the sha256 (hex) of a file that is not larger than the limit."""
    try:
        megabytes = path.stat().st_size / _MEGABYTE
        if max_megabytes is not None and megabytes > max_megabytes:
            raise UnsupportedModelError(
                f"it has {megabytes:.1f} MB, and detector.max_megabytes allows {max_megabytes:g}. "
                "Raise the limit, or use a smaller model."
            )
        return sha256_of_file(path)
    except OSError as error:
        raise BrokenError(
            f"Model {path} cannot be read: {error.strerror}. Check the path and its permissions."
        ) from error
