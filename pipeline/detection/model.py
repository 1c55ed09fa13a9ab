"""A model that is ready to use: opened and recognised, with labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pipeline.detection.extra_inputs import check_extra_inputs, make_extra_input
from pipeline.detection.labels import labels_from_metadata, map_labels
from pipeline.detection.model_folder import find_model_file
from pipeline.detection.opened_model import OpenedModel
from pipeline.detection.registry import recognise_family, unrecognised_error
from pipeline.detection.session import CPU_ONLY
from pipeline.detection.trial import TrialLimits
from pipeline.detection.unsupported import (
    UnsupportedModelError,
    as_broken_error,
    one_line_message,
)
from pipeline.digest import sha256_of_json
from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from pipeline.config.schema import DetectorConfig
    from pipeline.detection.card import ModelCard
    from pipeline.detection.families.common.base import Array, DecodeSpec, Family
    from pipeline.detection.graph import ImageInput, TensorInfo
    from pipeline.detection.labels import LabelMap
    from pipeline.detection.placement import Placement
    from pipeline.detection.preprocess import Preprocess
    from pipeline.frame import Image

_USUAL_LIMITS = TrialLimits()


@dataclass(frozen=True)
class Model:
    """A loaded model. Several threads may run it at the same time.

    Attributes:
        name: the file's name without its suffix.
        sha256: sha256 (hex) of the model file.
        digest: sha256 (hex) of all that decides the results: the model file, and the card's keys
            that change how it is used.
        family: the name of the model's family.
        spec: how the model is used, with the changes that the card makes to the preprocessing.
        label_map: the label of each class id.
        image_input: the input that takes the image.
        extra_inputs: the other inputs.
        score_threshold, iou_threshold: the card's thresholds; None if it has none.
        session: the ONNX Runtime session.
    """

    name: str
    sha256: str
    digest: str
    family: str
    spec: DecodeSpec
    label_map: LabelMap
    image_input: ImageInput
    extra_inputs: tuple[TensorInfo, ...]
    score_threshold: float | None
    iou_threshold: float | None
    session: Any

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the classes; `Detections.class_ids` are indexes into them."""
        return self.label_map.labels

    @classmethod
    def load(
        cls,
        model: str,
        providers: tuple[str, ...] = CPU_ONLY,
        max_megabytes: float | None = None,
        trial_limits: TrialLimits = _USUAL_LIMITS,
    ) -> Model:
        """Load a model file, and the card beside it if there is one.

        Args:
            model: name of a bundled model, or path of an ONNX file.
            providers: names of ONNX Runtime's execution providers, the preferred one first.
            max_megabytes: largest file to load; None for no limit.
            trial_limits: what the model's trial may use.

        Raises:
            ConfigError: the file does not exist.
            BrokenError: the model cannot be used.
        """
        return cls.from_opened(
            OpenedModel.open(find_model_file(model), providers, max_megabytes, trial_limits)
        )

    @classmethod
    def configured(cls, config: DetectorConfig) -> Model:
        """Load the model that a configuration names.

        Raises:
            ConfigError: the file does not exist.
            BrokenError: the model cannot be used.
        """
        return cls.load(config.model, config.providers, config.max_megabytes)

    @classmethod
    def from_opened(cls, opened: OpenedModel) -> Model:
        """Recognise an opened model, and find its labels.

        The model is run once on a blank image if its file does not give the shapes of its outputs.

        Raises:
            BrokenError: no family recognises the model, its labels do not fit, or its card lacks a
                required key or does not fit the graph.
        """
        with as_broken_error(opened.path):
            family, spec = recognise_model(opened)
            spec = _apply_card(opened.card, family, spec, opened.graph.image_input)
            return cls(
                name=opened.path.stem,
                sha256=opened.sha256,
                digest=sha256_of_json({"file": opened.sha256, "card": opened.card.digest()}),
                family=family.name,
                spec=spec,
                label_map=map_labels(*_labels_and_source(opened), spec),
                image_input=opened.graph.image_input,
                extra_inputs=opened.extra_inputs,
                score_threshold=opened.card.thresholds.score,
                iou_threshold=opened.card.thresholds.iou,
                session=opened.session,
            )

    def run(self, image: Image, placement: Placement, run_options: object) -> list[Array]:
        """Return the outputs that `spec.outputs` names, for one image.

        Args:
            image: H x W x 3 uint8 BGR.
            placement: where the image lies in the input.
            run_options: ONNX Runtime's RunOptions.

        Raises:
            BrokenError: the run fails.
        """
        feed = {
            tensor.name: make_extra_input(tensor, *placement.input_size)
            for tensor in self.extra_inputs
        }
        feed[self.image_input.name] = self.spec.preprocess.make_tensor(
            image, placement, self.image_input
        )
        try:
            outputs: list[Array] = self.session.run(self.spec.outputs, feed, run_options)
        except Exception as error:  # onnxruntime raises many unrelated types
            height, width = image.shape[:2]
            raise BrokenError(
                f"Model {self.name} fails on an image of {width} x {height} pixels: "
                f"{one_line_message(error)}. Check the model with `pretag model check`."
            ) from error
        return outputs


def recognise_model(opened: OpenedModel) -> tuple[Family, DecodeSpec]:
    """Return the family of an opened model, and how the model is used.

    Raises:
        UnsupportedModelError: no family recognises the model, or it has an input that pretag has
            no values for.
    """
    check_extra_inputs(opened.extra_inputs)
    labels, _ = _labels_and_source(opened)
    graph = replace(
        opened.graph,
        label_count=None if labels is None else len(labels),
        card_family=opened.card.family,
    )
    recognised = recognise_family(graph)
    if recognised is None and graph.has_unknown_outputs:
        graph = replace(graph, outputs=opened.probed_outputs)
        recognised = recognise_family(graph)
    if recognised is None:
        raise unrecognised_error(graph)
    return recognised


def _apply_card(
    card: ModelCard, family: Family, spec: DecodeSpec, image_input: ImageInput
) -> DecodeSpec:
    """Return the spec with the card's first class id, unit of boxes and preprocessing.

    Raises:
        UnsupportedModelError: the card lacks a required key, or does not fit the input.
    """
    if card.first_class_id is not None:
        spec = _with_first_class_id(spec, card.first_class_id)
    if card.box_unit is not None:
        spec = replace(spec, box_unit=card.box_unit)
    changes = card.preprocess.model_dump(exclude_none=True)
    missing = [key for key in spec.required_card_keys if key not in changes]
    if missing:
        raise UnsupportedModelError(
            f"models of its family, '{family.name}', differ in their preprocessing, and the file "
            f"does not show which one it needs. Write {' and '.join(missing)} below [preprocess] "
            "on the model card (`pretag model card` writes a card to begin with). Then `pretag "
            "model check` also tries the usual other values on an image of yours."
        )
    if not changes:
        return spec
    preprocess = replace(spec.preprocess, **changes)
    _check_input_size(image_input, preprocess)
    return replace(spec, preprocess=preprocess)


def _with_first_class_id(spec: DecodeSpec, first_class_id: int) -> DecodeSpec:
    """Return the spec with another first class id. The last class id stays the same."""
    class_count = spec.class_count
    if class_count is not None and spec.first_class_id is not None:
        class_count += spec.first_class_id - first_class_id
    return replace(spec, first_class_id=first_class_id, class_count=class_count)


def _check_input_size(image_input: ImageInput, preprocess: Preprocess) -> None:
    """Check that an image has a size that the input can take, after the card's preprocessing."""
    if preprocess.resize != "none" and 0 in (preprocess.width, preprocess.height):
        raise UnsupportedModelError(
            "its card resizes images, but its input takes any size and the card has no size. Write "
            "width and height below [preprocess] on the model card."
        )
    is_size_variable = (
        preprocess.resize in ("none", "keep-ratio", "patches") or preprocess.step is not None
    )
    sizes = (
        (image_input.width, preprocess.width),
        (image_input.height, preprocess.height),
    )
    if any(
        fixed is not None and (is_size_variable or fixed != from_card) for fixed, from_card in sizes
    ):
        raise UnsupportedModelError(
            f"its input is {image_input.width or '?'} x {image_input.height or '?'} pixels, but "
            f"its card has the preprocessing '{preprocess.resize_description}'. Remove width, "
            "height and step from the card, and set resize to letterbox, top-left or stretch."
        )


def _labels_and_source(opened: OpenedModel) -> tuple[tuple[str, ...] | None, str]:
    """Return the labels of the card or else of the metadata, and which of the two has them."""
    if opened.card.labels is not None:
        return opened.card.labels, "the model card"
    return labels_from_metadata(opened.graph), "the metadata"
