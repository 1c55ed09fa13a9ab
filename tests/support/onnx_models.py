"""Tiny ONNX files of one or two nodes, for tests that need no detector."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

Shape = list[int | str | None]


def write_model(
    path: Path,
    *nodes: NodeProto,
    inputs: dict[str, Shape],
    outputs: dict[str, Shape | None],
    weights: Mapping[str, object] | None = None,
    domain: str = "",
) -> Path:
    """Write a model whose inputs and outputs are float32.

    Args:
        path: the file to write.
        nodes: the nodes of the graph.
        inputs: names and shapes.
        outputs: names and shapes; None for an unknown shape.
        weights: by name; integers are stored as int64, other numbers as float32.
        domain: a domain of operators to import besides ONNX's own.

    Returns:
        The file.
    """
    graph_inputs, graph_outputs = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes]
        for shapes in (inputs.items(), outputs.items())
    )
    initializers = [_initializer(name, value) for name, value in (weights or {}).items()]
    graph = helper.make_graph(nodes, "tiny", graph_inputs, graph_outputs, initializer=initializers)
    opsets = [helper.make_opsetid("", 17)]
    if domain:
        opsets.append(helper.make_opsetid(domain, 1))
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    return path


def write_constant_model(
    path: Path, rows: NDArray[np.float32], output: str = "output0", **card: object
) -> Path:
    """Write a model whose output is the same for each image of 64 x 64 pixels, and its card.

    Args:
        path: the file to write.
        rows: the output.
        output: its name.
        card: keys of the card besides two labels.

    Returns:
        The file.
    """
    node = helper.make_node("Identity", ["rows"], [output])
    write_model(
        path,
        node,
        inputs={"images": [1, 3, 64, 64]},
        outputs={output: [*rows.shape]},
        weights={"rows": rows},
    )
    path.with_suffix(".json").write_text(json.dumps({"labels": ["a", "b"], **card}))
    return path


def _initializer(name: str, value: object) -> TensorProto:
    array = np.asarray(value)
    dtype = np.int64 if np.issubdtype(array.dtype, np.integer) else np.float32
    return numpy_helper.from_array(array.astype(dtype), name)
