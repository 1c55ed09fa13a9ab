"""ONNX files of a node or two, for what no detector is needed for."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

Shape = list[int | str | None]


def model(
    path: Path,
    *nodes: NodeProto,
    inputs: dict[str, Shape],
    outputs: dict[str, Shape | None],
    weights: Mapping[str, object] | None = None,
    domain: str = "",
) -> Path:
    """Write a model of float32 tensors; an output's shape may be left open.

    Args:
        path: the file.
        nodes: the graph's.
        inputs: names and shapes.
        outputs: the same.
        weights: by name; whole numbers are int64, others float32.
        domain: one of operators besides ONNX's own.
    """
    given, found = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in ports]
        for ports in (inputs.items(), outputs.items())
    )
    tensors = [_weight(name, value) for name, value in (weights or {}).items()]
    graph = helper.make_graph(nodes, "tiny", given, found, initializer=tensors)
    opsets = [helper.make_opsetid("", 17)]
    if domain:
        opsets.append(helper.make_opsetid(domain, 1))
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    return path


def _weight(name: str, value: object) -> TensorProto:
    array = np.asarray(value)
    kind = np.int64 if np.issubdtype(array.dtype, np.integer) else np.float32
    return numpy_helper.from_array(array.astype(kind), name)
