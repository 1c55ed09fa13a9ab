"""An ONNX model, loaded once: its session, its labels and its input."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import onnxruntime

from pipeline.detection import ultralytics
from pipeline.detection.card import ModelCard, locate
from pipeline.digest import sha256_of_file
from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Model:
    """A model that is ready to run.

    Attributes:
        name: the file's name without suffix.
        sha256: of the file.
        labels: the class names; a class id is an index into them.
        input_name: of the graph's image input.
        input_width, input_height: its size in pixels.
        session: ONNX Runtime's.
    """

    name: str
    sha256: str
    labels: tuple[str, ...]
    input_name: str
    input_width: int
    input_height: int
    session: Any

    @classmethod
    def load(cls, model: str) -> Model:
        """Load a model by name or path. Several threads may run it at the same time.

        Raises:
            BrokenError: it is not there, damaged, not the one on its card, or of a layout that
                pretag does not read.
        """
        path = locate(model)
        digest = _verified_digest(path)
        session = _session(path)
        labels = _labels(session.get_modelmeta().custom_metadata_map.get("names"), path)
        image, output = session.get_inputs()[0], session.get_outputs()[0]
        if not ultralytics.fits(tuple(output.shape), len(labels)) or not _is_rgb(image):
            raise BrokenError(
                f"Model {path} is of a layout that pretag does not read: input {image.shape} of "
                f"{image.type}, output {output.shape}, {len(labels)} labels. It reads inputs of "
                "1 x 3 x height x width of tensor(float), and outputs of 1 x (4 + labels) x N, as "
                "Ultralytics v8 exports them."
            )
        return cls(
            name=path.stem,
            sha256=digest,
            labels=labels,
            input_name=image.name,
            input_width=image.shape[3],
            input_height=image.shape[2],
            session=session,
        )


def _verified_digest(path: Path) -> str:
    try:
        digest = sha256_of_file(path)
    except OSError as error:
        raise BrokenError(f"Model {path} cannot be read: {error.strerror}.") from error
    card = ModelCard.beside(path)
    if card is not None and card.sha256 != digest:
        raise BrokenError(
            f"Model {path} is not the one on its card: its sha256 is {digest}, the card says "
            f"{card.sha256}. Restore the file, or correct the card."
        )
    return digest


def _session(path: Path) -> Any:  # noqa: ANN401 - onnxruntime publishes no types
    options = onnxruntime.SessionOptions()
    # One thread a frame, as many frames at a time as there are CPUs: 2 CPUs so take 0.8 of the time
    # that 2 threads a frame take, and results do not depend on the number of CPUs.
    # https://onnxruntime.ai/docs/performance/tune-performance/threading.html
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # only fatal: its failures are raised and told in our words
    try:
        return onnxruntime.InferenceSession(
            path, sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises a dozen unrelated types
        detail = " ".join(str(error).split())
        raise BrokenError(f"Model {path} cannot be loaded by ONNX Runtime: {detail}") from error


def _labels(names: str | None, path: Path) -> tuple[str, ...]:
    """Read the metadata's labels: a Python mapping from class id to name, as text."""
    if names is None:
        raise BrokenError(f"Model {path} has no labels: its metadata has no 'names'.")
    try:
        by_id = ast.literal_eval(names)
        return tuple(str(by_id[class_id]) for class_id in range(len(by_id)))
    except (ValueError, SyntaxError, TypeError, LookupError) as error:
        raise BrokenError(
            f"Model {path} has labels that cannot be read: its metadata 'names' must map each "
            "class id, from 0, to a name."
        ) from error


def _is_rgb(image: Any) -> bool:  # noqa: ANN401 - same
    match image.shape:
        case [1, 3, int(), int()]:
            return bool(image.type == "tensor(float)")
    return False
