"""The scan of ONNX files, which the tests write byte by byte."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.detection.model_folder import MODELS_DIRECTORY
from pipeline.detection.onnx_file import scan_onnx_file
from pipeline.errors import BrokenError


def varint(value: int) -> bytes:
    """Return a number as protobuf encodes it."""
    data = b""
    while value > 127:
        data += bytes([value & 127 | 128])
        value >>= 7
    return data + bytes([value])


def field(number: int, value: int | bytes | str) -> bytes:
    """Return a field of a protobuf message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name: str, *dims: int, is_packed: bool = False, is_external: bool = False) -> bytes:
    """Return a TensorProto message.

    Args:
        name: the tensor's name.
        dims: its sizes.
        is_packed: whether all sizes are in one field, as proto3 writes them.
        is_external: whether its values are in another file.
    """
    sizes = b"".join(map(varint, dims))
    data = field(1, sizes) if is_packed else b"".join(field(1, size) for size in dims)
    return data + field(8, name) + field(9, b"\0" * 4) + (field(14, 1) if is_external else b"")


def write_file(path: Path, *graph: bytes, producer: str = "tests") -> Path:
    """Write an ONNX file whose graph has these fields, and return its path."""
    path.write_bytes(field(1, 8) + field(2, producer) + field(7, b"".join(graph)))
    return path


def test_the_default_model_has_operators_and_weights_and_no_external_tensor() -> None:
    file = scan_onnx_file(MODELS_DIRECTORY / "ssdlite_mobilenet_v2_coco.onnx")
    assert {"Conv", "Sigmoid", "Concat"} <= file.operators
    assert any(len(shape) == 4 for shape in file.weights.values())
    assert file.external == []


@pytest.mark.parametrize("is_packed", [False, True])
def test_producer_weights_and_operators_are_read(tmp_path: Path, is_packed: bool) -> None:  # noqa: FBT001 - a parameter
    path = write_file(
        tmp_path / "a.onnx",
        field(5, tensor("head.bias", 300, is_packed=is_packed)),
        field(5, tensor("head.weight", 300, 7, is_packed=is_packed)),
        field(1, field(4, "Exp") + field(7, "")),
    )
    file = scan_onnx_file(path)
    assert file.weights == {"head.bias": (300,), "head.weight": (300, 7)}
    assert (file.producer, file.operators) == ("tests", {"Exp"})


def test_external_tensors_are_found_in_the_graph_in_nodes_and_in_branches(tmp_path: Path) -> None:
    constant = field(5, field(1, "value") + field(5, tensor("in a node", 2, is_external=True)))
    inner = field(5, tensor("in a branch", 2, is_external=True))
    branch = field(5, field(1, "then_branch") + field(6, inner))
    path = write_file(
        tmp_path / "a.onnx",
        field(5, tensor("in this file", 2)),
        field(5, tensor("in the graph", 2, is_external=True)),
        field(1, field(4, "Constant") + constant),
        field(1, field(4, "If") + branch),
    )
    assert scan_onnx_file(path).external == ["in the graph", "in a node", "in a branch"]


EXTERNAL = tensor("external", 2, is_external=True)


@pytest.mark.parametrize(
    "graph",
    [
        field(15, field(1, EXTERNAL)),  # values of a sparse weight
        field(15, field(2, EXTERNAL)),  # its indices
        field(1, field(5, field(22, field(1, EXTERNAL)))),  # a sparse tensor of an attribute
        field(1, field(5, field(23, field(1, EXTERNAL)))),  # a list of them
        # Protobuf readers truncate data_location to 32 bits.
        field(5, field(8, "external") + field(14, 2**32 + 1)),
    ],
)
def test_external_tensors_are_found_in_unusual_fields(tmp_path: Path, graph: bytes) -> None:
    assert scan_onnx_file(write_file(tmp_path / "a.onnx", graph)).external == ["external"]


def test_external_tensors_are_found_in_functions(tmp_path: Path) -> None:
    path = write_file(tmp_path / "a.onnx")
    function = field(25, field(11, field(5, EXTERNAL)))
    path.write_bytes(path.read_bytes() + function)
    assert scan_onnx_file(path).external == ["external"]


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (varint(2**40 | 5 << 3 | 2) + varint(0), "does not belong to a protobuf"),
        (field(5, field(1, b"\x01" * 100_000)), "more than 64 dimensions"),
        (b"\x10\x00" * 2_000_000, "more than 2,000,000 fields"),
    ],
)
def test_a_file_with_impossible_fields_is_refused(
    tmp_path: Path, graph: bytes, message: str
) -> None:
    with pytest.raises(BrokenError, match=message):
        scan_onnx_file(write_file(tmp_path / "a.onnx", graph))


def test_a_file_that_is_nested_too_deep_is_refused(tmp_path: Path) -> None:
    graph = b""
    for _ in range(120):
        graph = field(1, field(5, field(6, graph)))
    with pytest.raises(BrokenError, match="nested more than"):
        scan_onnx_file(write_file(tmp_path / "a.onnx", graph))


@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.onnx"
    path.write_bytes(data)
    try:
        file = scan_onnx_file(path)
    except BrokenError as error:
        assert "cut short, damaged or not an ONNX file" in str(error)  # noqa: PT017 - both outcomes are right
    else:
        assert {0x3A, 0xBA} & set(data), "bytes without the key of a graph are no model"
        assert file.external == []


@pytest.mark.parametrize("data", [b"", b"\x00" * 10, b"<html>not found</html>", field(1, 8)])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(data)
    with pytest.raises(BrokenError, match=r"a\.onnx is cut short, damaged or not an ONNX file"):
        scan_onnx_file(path)
