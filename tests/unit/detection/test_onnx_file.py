"""What is seen of an ONNX file before anything loads it: files written here, byte by byte."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.detection.model import MODELS_DIRECTORY
from pipeline.detection.onnx_file import scan_onnx_file
from pipeline.errors import BrokenError


def varint(value: int) -> bytes:
    data = b""
    while value > 127:
        data += bytes([value & 127 | 128])
        value >>= 7
    return data + bytes([value])


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name: str, *dims: int, packed: bool = False, external: bool = False) -> bytes:
    sizes = b"".join(map(varint, dims))
    data = field(1, sizes) if packed else b"".join(field(1, size) for size in dims)
    return data + field(8, name) + field(9, b"\0" * 4) + (field(14, 1) if external else b"")


def written(path: Path, *graph: bytes, producer: str = "tests") -> Path:
    path.write_bytes(field(1, 8) + field(2, producer) + field(7, b"".join(graph)))
    return path


def test_the_default_model() -> None:
    found = scan_onnx_file(MODELS_DIRECTORY / "ssdlite_mobilenet_v2_coco.onnx")
    assert {"Conv", "Sigmoid", "Concat"} <= found.operators
    assert any(len(shape) == 4 for shape in found.weights.values())
    assert found.external == []


@pytest.mark.parametrize("packed", [False, True])
def test_weights_and_operators(tmp_path: Path, packed: bool) -> None:  # noqa: FBT001 - a parameter
    path = written(
        tmp_path / "a.onnx",
        field(5, tensor("head.bias", 300, packed=packed)),
        field(5, tensor("head.weight", 300, 7, packed=packed)),
        field(1, field(4, "Exp") + field(7, "")),
    )
    found = scan_onnx_file(path)
    assert found.weights == {"head.bias": (300,), "head.weight": (300, 7)}
    assert (found.producer, found.operators) == ("tests", {"Exp"})


def test_tensors_in_other_files_are_told_wherever_they_hide(tmp_path: Path) -> None:
    constant = field(5, field(1, "value") + field(5, tensor("in a node", 2, external=True)))
    inner = field(5, tensor("in a branch", 2, external=True))
    branch = field(5, field(1, "then_branch") + field(6, inner))
    path = written(
        tmp_path / "a.onnx",
        field(5, tensor("here", 2)),
        field(5, tensor("plain", 2, external=True)),
        field(1, field(4, "Constant") + constant),
        field(1, field(4, "If") + branch),
    )
    assert scan_onnx_file(path).external == ["plain", "in a node", "in a branch"]


EXTERNAL = tensor("hidden", 2, external=True)


@pytest.mark.parametrize(
    "hidden",
    [
        field(15, field(1, EXTERNAL)),  # a sparse weight
        field(15, field(2, EXTERNAL)),
        field(1, field(5, field(22, field(1, EXTERNAL)))),  # of an attribute
        field(1, field(5, field(23, field(1, EXTERNAL)))),
        # Readers cut numbers to 32 bits.
        field(5, field(8, "hidden") + field(14, 2**32 + 1)),
    ],
)
def test_tensors_in_other_files_do_not_hide(tmp_path: Path, hidden: bytes) -> None:
    assert scan_onnx_file(written(tmp_path / "a.onnx", hidden)).external == ["hidden"]


def test_nor_in_a_functions_attributes(tmp_path: Path) -> None:
    path = written(tmp_path / "a.onnx")
    function = field(25, field(11, field(5, EXTERNAL)))
    path.write_bytes(path.read_bytes() + function)
    assert scan_onnx_file(path).external == ["hidden"]


@pytest.mark.parametrize(
    ("graph", "says"),
    [
        (varint(2**40 | 5 << 3 | 2) + varint(0), "is none of a protobuf"),
        (field(5, field(1, b"\x01" * 100_000)), "more than 64 dimensions"),
        (b"\x10\x00" * 2_000_000, "more than 2,000,000 parts"),
    ],
)
def test_what_no_model_has(tmp_path: Path, graph: bytes, says: str) -> None:
    with pytest.raises(BrokenError, match=says):
        scan_onnx_file(written(tmp_path / "a.onnx", graph))


def test_hostile_nesting_ends(tmp_path: Path) -> None:
    graph = b""
    for _ in range(120):
        graph = field(1, field(5, field(6, graph)))
    with pytest.raises(BrokenError, match="nested more than"):
        scan_onnx_file(written(tmp_path / "a.onnx", graph))


@given(data=st.binary(max_size=200))
def test_no_bytes_crash_it(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.onnx"
    path.write_bytes(data)
    try:
        found = scan_onnx_file(path)
    except BrokenError as error:
        assert "cut short, damaged or no ONNX file" in str(error)  # noqa: PT017 - either is right
    else:
        assert {0x3A, 0xBA} & set(data), "no graph's key is in what it took for a model"
        assert found.external == []


@pytest.mark.parametrize("data", [b"", b"\x00" * 10, b"<html>not found</html>", field(1, 8)])
def test_what_is_no_onnx_file(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(data)
    with pytest.raises(BrokenError, match=r"a\.onnx is cut short, damaged or no ONNX file"):
        scan_onnx_file(path)
