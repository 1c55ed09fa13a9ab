"""A model that is ready to find objects: opened, recognised, and its classes named."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.detection.extra_inputs import check_extra_inputs, make_extra_input
from pipeline.detection.labels import labels_from_metadata, resolve_labels
from pipeline.detection.opened_model import OpenedModel
from pipeline.detection.registry import recognise_family, unrecognised_error
from pipeline.detection.session import CPU
from pipeline.detection.unsupported import UnsupportedModelError, naming_model, one_line
from pipeline.digest import sha256_of_json
from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from pipeline.detection.families.common.base import Array, DecodeSpec, Family
    from pipeline.detection.graph import ImageInput, TensorInfo
    from pipeline.detection.labels import Labels
    from pipeline.detection.placement import Placement
    from pipeline.detection.preprocess import Preprocess
    from pipeline.frame import Image

MODELS_DIRECTORY = Path(__file__).parents[2] / "models"


def bundled_models() -> list[Path]:
    """Return the model files that come with pretag, by name."""
    return sorted(MODELS_DIRECTORY.glob("*.onnx"))


def find_model_file(model: str) -> Path:
    """Return the file that `detector.model` means: a name at hand, or else a path.

    Raises:
        BrokenError: there is no such model.
    """
    at_hand = {path.stem: path for path in bundled_models()}
    path = at_hand.get(model, Path(model))
    if model.startswith("s3://"):
        raise BrokenError(
            f"Model {model} is in S3, where only the Lambda function reads models: download it, "
            "with its card, and give its path."
        )
    if not path.is_file():
        names = ", ".join(at_hand) or "none"
        raise BrokenError(
            f"Model {model} is not there: detector.model is neither a model at hand ({names}) "
            "nor the path of an ONNX file."
        )
    return path


@dataclass(frozen=True)
class Model:
    """A model that several threads may run at a time.

    Attributes:
        name: the file's name without suffix.
        sha256: of the file.
        digest: of all that decides what it finds: the file, and what its card says.
        family: the name of the family that it is read as.
        spec: how it is read.
        classes: the names of its classes.
        input: takes the picture.
        extras: the other inputs.
        score_threshold, iou_threshold: its card's; None: it names none.
        session: ONNX Runtime's.
    """

    name: str
    sha256: str
    digest: str
    family: str
    spec: DecodeSpec
    classes: Labels
    input: ImageInput
    extras: tuple[TensorInfo, ...]
    score_threshold: float | None
    iou_threshold: float | None
    session: Any

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes; `Detections.class_ids` are indexes into them."""
        return self.classes.names

    @classmethod
    def load(
        cls, model: str, providers: tuple[str, ...] = CPU, max_megabytes: float | None = None
    ) -> Model:
        """Load a model file, with the card beside it if there is one.

        Args:
            model: a name at hand, or the path of an ONNX file.
            providers: what runs it, by ONNX Runtime's names, the preferred first.
            max_megabytes: the largest file to load; None: any.

        Raises:
            BrokenError: it is not there, too large, damaged, not the one on its card, or of no
                kind that pretag reads.
        """
        return cls.from_opened(OpenedModel.open(find_model_file(model), providers, max_megabytes))

    @classmethod
    def from_opened(cls, opened: OpenedModel) -> Model:
        """Make an opened model ready. It is run only if its file does not tell its shapes.

        Raises:
            BrokenError: it is of no kind that pretag reads, or its labels do not fit.
        """
        with naming_model(opened.path):
            return _ready(opened)

    def run(self, image: Image, placement: Placement, options: object) -> list[Array]:
        """Run it on a picture.

        Args:
            image: H x W x 3 uint8 BGR.
            placement: how the image is placed in the input.
            options: ONNX Runtime's RunOptions.

        Returns:
            The outputs that its reading names.

        Raises:
            BrokenError: it fails.
        """
        feed = {port.name: make_extra_input(port, *placement.canvas) for port in self.extras}
        feed[self.input.name] = self.spec.preprocess.tensor(image, placement, self.input)
        try:
            outputs: list[Array] = self.session.run(self.spec.outputs, feed, options)
        except Exception as error:  # onnxruntime raises a dozen unrelated types
            raise BrokenError(f"Model {self.name} fails on a picture: {one_line(error)}") from error
        return outputs


def recognise_opened(opened: OpenedModel) -> tuple[Family, DecodeSpec]:
    """Find the family of a model, and how it is read.

    Raises:
        UnsupportedModelError: it has none, or cannot be read.
    """
    check_extra_inputs(opened.extras)
    names, _ = _names(opened)
    graph = replace(
        opened.graph,
        label_count=None if names is None else len(names),
        family=opened.card.family,
    )
    known = recognise_family(graph)
    if known is None and graph.has_unknown_outputs:
        graph = replace(graph, outputs=opened.probed_outputs)
        known = recognise_family(graph)
    if known is None:
        raise unrecognised_error(graph)
    return known


def _ready(opened: OpenedModel) -> Model:
    card = opened.card
    family, spec = recognise_opened(opened)
    changes = card.preprocess.model_dump(exclude_none=True)
    untold = [key for key in spec.required_card_keys if key not in changes]
    if untold:
        raise UnsupportedModelError(
            f"it is of the family '{family.name}', whose models differ in how pictures are "
            f"prepared, and the file does not tell. Put {' and '.join(untold)} under [preprocess] "
            "on its card (`pretag model card` writes one to start from)."
        )
    if changes:
        spec = replace(spec, preprocess=replace(spec.preprocess, **changes))
        _refuse_other_sizes(opened.graph.image, spec.preprocess)
    return Model(
        name=opened.path.stem,
        sha256=opened.sha256,
        digest=sha256_of_json({"file": opened.sha256, "card": card.digest()}),
        family=family.name,
        spec=spec,
        classes=resolve_labels(*_names(opened), spec),
        input=opened.graph.image,
        extras=opened.extras,
        score_threshold=card.thresholds.score,
        iou_threshold=card.thresholds.iou,
        session=opened.session,
    )


def _refuse_other_sizes(image: ImageInput, preprocess: Preprocess) -> None:
    """Check that pictures, as a card has them prepared, fit into the input."""
    sizes = ((image.width, preprocess.width), (image.height, preprocess.height))
    if preprocess.resize != "none" and 0 in (preprocess.width, preprocess.height):
        raise UnsupportedModelError(
            "its card resizes pictures, and its graph takes any size: put width and height under "
            "[preprocess], too."
        )
    free = preprocess.resize in ("none", "keep-ratio", "patches") or preprocess.step is not None
    if any(fixed is not None and (free or fixed != told) for fixed, told in sizes):
        raise UnsupportedModelError(
            f"its input is {image.width or '?'} x {image.height or '?'} pixels, and its card has "
            f"pictures '{preprocess.size}'. Leave width, height and step out, and say how to "
            "resize: letterbox, top-left or stretch."
        )


def _names(opened: OpenedModel) -> tuple[tuple[str, ...] | None, str]:
    """Return the labels that are written down, and where."""
    if opened.card.labels is not None:
        return opened.card.labels, "its card's"
    return labels_from_metadata(opened.graph), "its metadata's"
