"""What an ONNX file is made of, read from its bytes: nothing in it is run, or loaded for that.

ONNX Runtime reads a file's tensors from other files that it names, and tells neither operators nor
weights; a protobuf's fields are few to walk, so we look for ourselves, before the runtime does.
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Each message's fields that are looked at: by number, and where they lead.
_FIELDS = {
    "model": {2: "producer_name", 7: "graph", 25: "function"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {4: "op_type", 5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {1: "dims", 8: "name", 14: "data_location"},
}
_EXTERNAL = 1  # the data_location of a tensor that lies in another file
# No exporter nests If and Loop so deep; a file that does means to exhaust the stack.
_DEEPEST = 100
# Nor does a model have so many dimensions, or so many fields: they would take minutes to look at.
_MOST_DIMENSIONS, _MOST_FIELDS = 64, 2_000_000
# Readers cut numbers to so many bits, and would see others than we do.
_NUMBER_BITS = 32

_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_MOST_VARINT_BITS = 63


@dataclass
class OnnxFile:
    """What an ONNX file is made of.

    Attributes:
        producer: what wrote it, such as `pytorch`.
        operators: the types of its nodes, such as `Conv`.
        weights: the shape of each named tensor it holds.
        external: the names of the tensors that it says lie in other files.
    """

    producer: str = ""
    operators: set[str] = field(default_factory=set)
    weights: dict[str, tuple[int, ...]] = field(default_factory=dict)
    external: list[str] = field(default_factory=list)


def scan(path: Path) -> OnnxFile:
    """Look through an ONNX file.

    Raises:
        BrokenError: it cannot be read, is empty, cut short, or no ONNX file.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            scanner = _Scanner(data)
            scanner.walk("model", 0, len(data), depth=0)
    except OSError as error:
        raise BrokenError(f"Model {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # mmap's own too, of an empty file
        raise BrokenError(
            f"Model {path} is cut short, damaged or no ONNX file: {error}. Export it again, or "
            "copy it again."
        ) from error
    return scanner.found


class _Field(NamedTuple):
    """A field's number and value; of a text, a message or packed numbers: where it lies."""

    number: int
    value: int | None
    start: int
    end: int


class _Scanner:
    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._fields_seen = 0
        self.found = OnnxFile()

    def walk(self, message: str, start: int, end: int, depth: int) -> None:
        """Walk a message's fields, and the messages in it."""
        if depth > _DEEPEST:
            raise ValueError(f"its messages are nested more than {_DEEPEST} deep")
        seen = set()
        for each in self._fields(start, end):
            name = _FIELDS[message].get(each.number)
            seen.add(name)
            if name == "tensor":
                self._tensor(each)
            elif name in _FIELDS:
                self.walk(name, each.start, each.end, depth + 1)
            elif name == "op_type":
                self.found.operators.add(self._text(each))
            elif name == "producer_name":
                self.found.producer = self._text(each)
        if message == "model" and "graph" not in seen:
            raise ValueError("there is no graph in it")

    def _tensor(self, tensor: _Field) -> None:
        name, location, dims = "", 0, []
        for each in self._fields(tensor.start, tensor.end):
            match _FIELDS["tensor"].get(each.number):
                case "name":
                    name = self._text(each)
                case "data_location":
                    location = (each.value or 0) & (2**_NUMBER_BITS - 1)
                case "dims":
                    dims += self._numbers(each)
                    if len(dims) > _MOST_DIMENSIONS:
                        raise ValueError(f"a tensor has more than {_MOST_DIMENSIONS} dimensions")
        if name:
            self.found.weights[name] = tuple(dims)
        if location == _EXTERNAL:
            self.found.external.append(name or "a tensor without a name")

    def _fields(self, start: int, end: int) -> Iterator[_Field]:
        while start < end:
            self._fields_seen += 1
            if self._fields_seen > _MOST_FIELDS:
                raise ValueError(f"it has more than {_MOST_FIELDS:,} parts")
            key, start = self._varint(start, end)
            if key >> _NUMBER_BITS:
                raise ValueError(f"byte {start} is none of a protobuf")
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
                raise ValueError(f"byte {start} is none of a protobuf")
            if stop > end:
                raise ValueError(f"byte {start} announces more than there is")
            yield _Field(number, value, start, stop)
            start = stop

    def _varint(self, start: int, end: int) -> tuple[int, int]:
        """Read a number of 7 bits a byte, the lowest first; return it and where it ends."""
        value = shift = 0
        while start < end and shift <= _MOST_VARINT_BITS:
            byte = self._data[start]
            value |= (byte & 0x7F) << shift
            start, shift = start + 1, shift + 7
            if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follow
                return value, start
        raise ValueError(f"the number at byte {start} does not end")

    def _numbers(self, each: _Field) -> list[int]:
        """Read repeated numbers: proto2 writes them one by one, proto3 packed."""
        if each.value is not None:
            return [each.value]
        numbers: list[int] = []
        start = each.start
        while start < each.end and len(numbers) <= _MOST_DIMENSIONS:
            value, start = self._varint(start, each.end)
            numbers.append(value)
        return numbers

    def _text(self, each: _Field) -> str:
        return self._data[each.start : each.end].decode("utf-8", "replace")
