"""Small ONNX files that never end, take all memory, or find tens of thousands of objects."""

from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper

from tests.support.onnx_models import Shape, write_model

ROWS: Shape = [1, 300, 6]
_NEVER = 2**62


def write_endless_model(path: Path, *, ends_on_blank_images: bool = False) -> Path:
    """Write an end-to-end model with a loop that never ends, and return its path.

    Args:
        path: the file to write.
        ends_on_blank_images: whether the loop has no rounds for an image that is all 0.
    """
    name_of_rounds = "never"
    nodes = [
        helper.make_node("ReduceMax", ["images"], ["lightest"], keepdims=0),
        helper.make_node("Reshape", ["lightest", "one"], ["value"]),
        helper.make_node("Expand", ["value", "row_shape"], ["rows"]),
    ]
    if ends_on_blank_images:
        name_of_rounds = "rounds"
        nodes += [
            helper.make_node("Ceil", ["lightest"], ["is_light"]),
            helper.make_node("Cast", ["is_light"], ["has_rounds"], to=TensorProto.INT64),
            helper.make_node("Mul", ["has_rounds", "never"], ["rounds"]),
        ]
    nodes.append(
        helper.make_node("Loop", [name_of_rounds, "", "rows"], ["output0"], body=_loop_body())
    )
    return write_model(
        path,
        *nodes,
        inputs={"images": [1, 3, 64, 64]},
        outputs={"output0": ROWS},
        weights={"one": [1, 1, 1], "row_shape": [1, 300, 6], "never": _NEVER},
    )


def _loop_body() -> onnx.GraphProto:
    def value(name: str, kind: int, shape: Shape) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, shape)

    return helper.make_graph(
        [
            helper.make_node("Identity", ["goes_on"], ["goes_on_after"]),
            helper.make_node("Neg", ["rows_before"], ["rows_after"]),
        ],
        "body",
        [
            value("round", TensorProto.INT64, []),
            value("goes_on", TensorProto.BOOL, []),
            value("rows_before", TensorProto.FLOAT, ROWS),
        ],
        [
            value("goes_on_after", TensorProto.BOOL, []),
            value("rows_after", TensorProto.FLOAT, ROWS),
        ],
    )


def write_nested_functions(path: Path, levels: int = 40) -> Path:
    """Write a model of 2 ** levels nodes, as functions that call each other, in about 2 KB."""

    def call(level: int, given: str, made: str) -> NodeProto:
        name, domain = ("Identity", "") if level < 0 else (f"f{level}", "nested")
        return helper.make_node(name, [given], [made], domain=domain)

    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("nested", 1)]
    functions = [
        helper.make_function(
            "nested", f"f{level}", ["x"], ["z"],
            [call(level - 1, "x", "y"), call(level - 1, "y", "z")], opsets,
        )
        for level in range(levels)
    ]  # fmt: skip
    shape = [1, 3, 64, 64]
    tensors = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name in ("images", "output0")
    ]
    graph = helper.make_graph(
        [call(levels - 1, "images", "output0")], "nested", tensors[:1], tensors[1:]
    )
    model = helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=8)
    onnx.save(model, str(path))
    return path


def write_large_output(path: Path, side: int = 180) -> Path:
    """Write a model of 400 bytes whose output has side ** 4 values, which the file does not say."""
    nodes = [
        helper.make_node("RandomUniformLike", ["ones"], ["noise"], low=0.0, high=1e-6, dtype=1),
        helper.make_node("Add", ["noise", "sides"], ["float_shape"]),
        helper.make_node("Cast", ["float_shape"], ["shape"], to=TensorProto.INT64),
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Add", ["zeros", "mean"], ["output0"]),
    ]
    return write_model(
        path,
        *nodes,
        inputs={"images": [1, 3, 64, 64]},
        outputs={"output0": None},
        weights={"ones": [1.0] * 4, "sides": [float(side)] * 4},
    )


def write_many_boxes(path: Path, boxes: int = 30_000) -> Path:
    """Write a model that finds as many objects of one class in each image, which do not overlap.

    Its card makes it one of the family `ultralytics`.
    """
    columns = 200
    number = np.arange(boxes)
    rows = np.stack(
        [
            (number % columns) * 3.2 + 1.6,
            (number // columns) * 4.2 + 2,
            np.full(boxes, 3.0),
            np.full(boxes, 4.0),
            np.full(boxes, 0.9),
        ]
    )[None].astype(np.float32)
    path.with_suffix(".toml").write_text('family = "ultralytics"\nlabels = ["thing"]\n')
    return write_model(
        path,
        helper.make_node("Identity", ["rows"], ["output0"]),
        inputs={"images": [1, 3, 640, 640]},
        outputs={"output0": list(rows.shape)},
        weights={"rows": rows},
    )
