"""Read operators, weights and external tensors from the bytes of an ONNX file, without loading it.

Families recognise a graph by its operators and weights, which ONNX Runtime does not list. And ONNX
Runtime opens any other file that a model names for its tensors. So each file is scanned here before
ONNX Runtime loads it. The scan reads the fields of the protobuf, but not the values of tensors.
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import dataclasses
import mmap
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# For each message type, the fields to read: the message type of the field, or its name.
_FIELDS = {
    "model": {2: "producer_name", 7: "graph", 25: "function"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {4: "op_type", 5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {1: "dims", 8: "name", 14: "data_location"},
}
_EXTERNAL = 1  # data_location of a tensor in another file
# No exporter nests If and Loop this deep. A file that does is made to exhaust the stack.
_MAX_DEPTH = 100
# No model has this many dimensions or fields. To walk more of them would take minutes.
_MAX_DIMENSIONS, _MAX_FIELDS = 64, 2_000_000
# Protobuf readers truncate field keys and enum values to 32 bits. So a longer key is refused here,
# and of a longer enum value the lowest 32 bits count.
_NUMBER_BITS = 32

_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_MAX_VARINT_SHIFT = 63


@dataclasses.dataclass
class OnnxFile:
    """The contents of an ONNX file, without the values of its tensors.

    Attributes:
        producer: the program that wrote the file, such as `pytorch`.
        operators: the operator types of the nodes, such as `Conv`.
        weights: the shape of each named tensor.
        external: the names of the tensors whose values are in other files.
    """

    producer: str = ""
    operators: set[str] = dataclasses.field(default_factory=set)
    weights: dict[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    external: list[str] = dataclasses.field(default_factory=list)


def scan_onnx_file(path: Path) -> OnnxFile:
    """Return the contents of an ONNX file.

    Raises:
        BrokenError: the file cannot be read, is empty, is cut short, or is not an ONNX file.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            scanner = _Scanner(data)
            scanner.walk("model", 0, len(data), depth=0)
    except OSError as error:
        raise BrokenError(
            f"Model {path} cannot be read: {error.strerror}. Check the path and its permissions."
        ) from error
    except ValueError as error:  # also raised by mmap for an empty file
        raise BrokenError(
            f"Model {path} is cut short, damaged or not an ONNX file: {error}. Copy or export it "
            "again."
        ) from error
    return scanner.contents


class _Field(NamedTuple):
    """A field of a protobuf message.

    Attributes:
        number: the field's number in its message type.
        value: the number that a varint field holds; None for other fields.
        start, end: offsets of the value's bytes in the file.
    """

    number: int
    value: int | None
    start: int
    end: int


class _Scanner:
    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._field_count = 0
        self.contents = OnnxFile()

    def walk(self, message: str, start: int, end: int, depth: int) -> None:
        """Read the fields of a message, and those of the messages in it."""
        if depth > _MAX_DEPTH:
            raise ValueError(f"its messages are nested more than {_MAX_DEPTH} levels deep")
        seen = set()
        for field in self._fields(start, end):
            name = _FIELDS[message].get(field.number)
            seen.add(name)
            if name == "tensor":
                self._read_tensor(field)
            elif name in _FIELDS:
                self.walk(name, field.start, field.end, depth + 1)
            elif name == "op_type":
                self.contents.operators.add(self._text(field))
            elif name == "producer_name":
                self.contents.producer = self._text(field)
        if message == "model" and "graph" not in seen:
            raise ValueError("it has no graph")

    def _read_tensor(self, tensor: _Field) -> None:
        name, location, dims = "", 0, []
        for field in self._fields(tensor.start, tensor.end):
            match _FIELDS["tensor"].get(field.number):
                case "name":
                    name = self._text(field)
                case "data_location":
                    location = (field.value or 0) & (2**_NUMBER_BITS - 1)
                case "dims":
                    dims += self._numbers(field)
                    if len(dims) > _MAX_DIMENSIONS:
                        raise ValueError(f"a tensor has more than {_MAX_DIMENSIONS} dimensions")
        if name:
            self.contents.weights[name] = tuple(dims)
        if location == _EXTERNAL:
            self.contents.external.append(name or "a tensor without a name")

    def _fields(self, start: int, end: int) -> Iterator[_Field]:
        while start < end:
            self._field_count += 1
            if self._field_count > _MAX_FIELDS:
                raise ValueError(f"it has more than {_MAX_FIELDS:,} fields")
            key, start = self._varint(start, end)
            if key >> _NUMBER_BITS:
                raise ValueError(f"byte {start} does not belong to a protobuf")
            number, wire_type = key >> 3, key & 7
            value = None
            if wire_type == _VARINT:
                value, stop = self._varint(start, end)
            elif wire_type == _LENGTH:
                length, start = self._varint(start, end)
                stop = start + length
            elif wire_type in (_EIGHT_BYTES, _FOUR_BYTES):
                stop = start + (8 if wire_type == _EIGHT_BYTES else 4)
            else:
                raise ValueError(f"byte {start} does not belong to a protobuf")
            if stop > end:
                raise ValueError(f"the field at byte {start} is longer than its message")
            yield _Field(number, value, start, stop)
            start = stop

    def _varint(self, start: int, end: int) -> tuple[int, int]:
        """Return a number of 7 bits in each byte, lowest bits first, and the offset of its end."""
        value = shift = 0
        while start < end and shift <= _MAX_VARINT_SHIFT:
            byte = self._data[start]
            value |= (byte & 0x7F) << shift
            start, shift = start + 1, shift + 7
            if byte < 0x80:  # noqa: PLR2004 - the highest bit means that more bytes follow
                return value, start
        raise ValueError(f"a number before byte {start} is cut short or too long")

    def _numbers(self, field: _Field) -> list[int]:
        """Return repeated numbers: proto2 writes a field for each, proto3 all in one field."""
        if field.value is not None:
            return [field.value]
        numbers: list[int] = []
        start = field.start
        while start < field.end and len(numbers) <= _MAX_DIMENSIONS:
            value, start = self._varint(start, field.end)
            numbers.append(value)
        return numbers

    def _text(self, field: _Field) -> str:
        return self._data[field.start : field.end].decode("utf-8", "replace")
