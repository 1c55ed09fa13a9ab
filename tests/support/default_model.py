"""The default model, and changed copies of it."""

import json
from pathlib import Path

import numpy as np
import onnx

from pipeline.detection.model_folder import MODELS_DIRECTORY

DEFAULT_MODEL = MODELS_DIRECTORY / "ssdlite_mobilenet_v2_coco.onnx"
# Texts that need escaping in TOML, or that could control a terminal or rich's markup.
SPECIAL_TEXTS = (
    'a "quoted" \\ one',
    "[/red]",
    ":smile:",
    "Fußgänger",
    "\U0001f600",
    "\x7f\x1b[31m\n",
    "",
)


def set_labels(path: Path, labels: tuple[str, ...] | None) -> Path:
    """Change the labels in the metadata of a model; None: remove them."""
    model = onnx.load(str(path))
    names = next(entry for entry in model.metadata_props if entry.key == "names")
    if labels is None:
        model.metadata_props.remove(names)
    else:
        names.value = json.dumps(labels)
    onnx.save(model, str(path))
    return path


def keep_three_classes(path: Path) -> Path:
    """Remove all but three classes and the labels from the default model."""
    model = onnx.load(str(set_labels(path, None)))
    output = model.graph.output[0]
    for name, value in (("start", 0), ("end", 7), ("axis", 1)):
        tensor = onnx.numpy_helper.from_array(np.array([value]), name)
        model.graph.initializer.append(tensor)
    cut = onnx.helper.make_node("Slice", [output.name, "start", "end", "axis"], ["cut"])
    model.graph.node.append(cut)
    output.name = "cut"
    output.type.tensor_type.shape.dim[1].dim_value = 7
    onnx.save(model, str(path))
    return path
