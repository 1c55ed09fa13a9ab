"""The family `yunet`: a class score, an objectness and a box for each cell of three grids."""

import numpy as np

from pipeline.detection.graph import TensorInfo
from tests.support.graphs import decode, float_tensors, recognise

IMAGE = TensorInfo("input", "float32", (1, 3, 64, 96))
CELLS = {8: 96, 16: 24, 32: 6}
COLUMNS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
OUTPUTS = float_tensors(
    *((f"{kind}_{s}", (1, CELLS[s], COLUMNS[kind])) for kind in COLUMNS for s in CELLS)
)


def test_a_score_is_the_root_of_class_score_and_objectness() -> None:
    family, spec = recognise([IMAGE], OUTPUTS)
    assert (family, spec.class_count, spec.labels) == ("yunet", 1, ("face",))
    assert spec.unread == ("keypoints",)
    assert (spec.preprocess.colour, spec.preprocess.scale) == ("bgr", 1)
    arrays = {name: np.zeros((1, *_shape(name)), np.float32) for name in spec.outputs}
    # Of the grid with stride 16, the cell in the second row and third column (6 in a row).
    arrays["cls_16"][0, 8], arrays["obj_16"][0, 8] = 0.9, 0.4
    arrays["bbox_16"][0, 8] = (0.5, 0.25, np.log(2), np.log(3))
    found = decode(spec, *arrays.values(), size=(96, 64))
    # Centre ((2 + 0.5) * 16, (1 + 0.25) * 16), size 2 * 16 and 3 * 16.
    assert found == [([24, -4, 56, 44], 0.6, 0)]


def _shape(name: str) -> tuple[int, int]:
    kind, stride = name.split("_")
    return CELLS[int(stride)], COLUMNS[kind]
