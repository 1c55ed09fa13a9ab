"""Run a model once on a blank image, to learn the shapes of its outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.detection.extra_inputs import check_extra_inputs, make_extra_input
from pipeline.detection.graph import PROBE_SIDE, Graph, TensorInfo
from pipeline.detection.unsupported import UnsupportedModelError, one_line_message

if TYPE_CHECKING:
    from pipeline.detection.graph import Shape


def probe_shapes(session: Any) -> tuple[Shape, ...]:  # noqa: ANN401 - untyped
    """Return the shapes of the outputs for a blank image; None for a size of 0.

    Args:
        session: ONNX Runtime's session of the model.

    Raises:
        UnsupportedModelError: no input takes an image, another input cannot be filled, or the run
            fails.
    """
    inputs = tuple(map(TensorInfo.from_node, session.get_inputs()))
    image_input = Graph(inputs, outputs=()).image_input
    extra_inputs = tuple(tensor for tensor in inputs if tensor.name != image_input.name)
    check_extra_inputs(extra_inputs)
    width, height = image_input.width or PROBE_SIDE, image_input.height or PROBE_SIDE
    try:
        feed = {tensor.name: make_extra_input(tensor, width, height) for tensor in extra_inputs}
        feed[image_input.name] = np.zeros(image_input.shape(width, height), image_input.type)
        outputs = session.run(None, feed)
    except Exception as error:  # onnxruntime raises many unrelated types
        raise UnsupportedModelError(
            f"it fails on a blank image of {width} x {height} pixels: {one_line_message(error)}. "
            "Check it in ONNX Runtime, or export it again."
        ) from error
    return tuple(tuple(size or None for size in np.shape(output)) for output in outputs)
