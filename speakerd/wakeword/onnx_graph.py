"""Reads .onnx files without an inference runtime: as much of ONNX's protobuf as wake word models use.

Field numbers: onnx/onnx.proto3 of ONNX IR version 8. The wire format: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speakerd.errors import ModelError

Tensor = NDArray[Any]

_DTYPES = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 10: np.float16, 11: np.float64}
"""TensorProto.DataType."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True, slots=True)
class Graph:
    """Operations in an order in which they can be computed."""

    nodes: tuple[Node, ...]
    tensors: Mapping[str, Tensor]
    """Constants by name; the arrays cannot be written to."""
    inputs: Mapping[str, tuple[int | None, ...]] = field(default_factory=dict)
    """Shapes by name, None where a dimension is open; constants are left out."""
    outputs: Mapping[str, tuple[int | None, ...]] = field(default_factory=dict)


Attribute = float | int | tuple[int, ...] | Tensor | Graph


def read_graph(path: Path) -> Graph:
    """The graph of an .onnx file; raises ModelError with one sentence."""
    try:
        content = memoryview(path.read_bytes())
        graphs = [value for number, value in _fields(content) if number == 7]
        return _graph(graphs[0])
    except OSError as error:
        raise ModelError(f"the model {path} cannot be read ({error.strerror}): check its permissions.") from error
    except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
        raise ModelError(f"{path} is not an ONNX model, or is damaged: fetch or copy it again.") from error


def _graph(content: memoryview) -> Graph:
    parts: dict[int, list[Any]] = {}
    for number, value in _fields(content):
        parts.setdefault(number, []).append(value)
    tensors = dict(_tensor(part) for part in parts.get(5, []))
    inputs = dict(_value_info(part) for part in parts.get(11, []))
    return Graph(
        nodes=tuple(_node(part) for part in parts.get(1, [])),
        tensors=tensors,
        inputs={name: shape for name, shape in inputs.items() if name not in tensors},
        outputs=dict(_value_info(part) for part in parts.get(12, [])),
    )


def _node(content: memoryview) -> Node:
    inputs, outputs, op = [], [], ""
    attributes: dict[str, Attribute] = {}
    for number, value in _fields(content):
        match number:
            case 1:
                inputs.append(_text(value))
            case 2:
                outputs.append(_text(value))
            case 4:
                op = _text(value)
            case 5:
                attributes.update(_attribute(value))
    return Node(op, tuple(inputs), tuple(outputs), attributes)


def _attribute(content: memoryview) -> dict[str, Attribute]:
    name, integers = "", []
    found: Attribute | None = None
    for number, value in _fields(content):
        match number:
            case 1:
                name = _text(value)
            case 2:
                found = float(value)
            case 3:
                found = _signed(value)
            case 5:
                found = _tensor(value)[1]
            case 6:
                found = _graph(value)
            case 8:
                integers += _integers(value)
    if found is None:
        found = tuple(integers)
    return {name: found}


def _tensor(content: memoryview) -> tuple[str, Tensor]:
    shape: list[int] = []
    name, data_type = "", 0
    raw: bytes | None = None
    numbers: list[Any] = []
    for number, value in _fields(content):
        match number:
            case 1:
                shape += _integers(value)
            case 2:
                data_type = value
            case 4:
                numbers.append(np.frombuffer(value, np.float32) if isinstance(value, memoryview) else [value])
            case 5 | 7:
                numbers.append(_integers(value))
            case 8:
                name = _text(value)
            case 9:
                raw = bytes(value)
    dtype = _DTYPES[data_type]
    flat: Tensor = np.frombuffer(raw, dtype) if raw is not None else np.concatenate([[], *numbers]).astype(dtype)
    return name, flat.reshape(shape)


def _value_info(content: memoryview) -> tuple[str, tuple[int | None, ...]]:
    """A name and its shape: ValueInfoProto.type.tensor_type.shape.dim."""
    known = dict(_fields(content))
    shape: Any = known.get(2, b"")
    for number in (1, 2):
        shape = dict(_fields(memoryview(shape))).get(number, b"")
    dimensions = [dict(_fields(dimension)) for number, dimension in _fields(memoryview(shape)) if number == 1]
    return _text(known[1]), tuple(dimension.get(1) for dimension in dimensions)


def _fields(content: memoryview) -> Iterator[tuple[int, Any]]:
    """Field numbers and values: int, float, or the bytes of what is within."""
    position = 0
    while position < len(content):
        key, position = _varint(content, position)
        match key & 7:
            case 0:
                value, position = _varint(content, position)
                yield key >> 3, value
            case 1:
                yield key >> 3, struct.unpack_from("<d", content, position)[0]
                position += 8
            case 2:
                length, position = _varint(content, position)
                if position + length > len(content):
                    raise ValueError("cut off")
                yield key >> 3, content[position : position + length]
                position += length
            case 5:
                yield key >> 3, struct.unpack_from("<f", content, position)[0]
                position += 4
            case _:
                raise ValueError("not protobuf")


def _varint(content: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = content[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
    raise ValueError("not protobuf")


def _integers(value: int | memoryview) -> list[int]:
    """A repeated integer, packed or single."""
    if isinstance(value, int):
        return [_signed(value)]
    integers, position = [], 0
    while position < len(value):
        integer, position = _varint(value, position)
        integers.append(_signed(integer))
    return integers


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _text(value: memoryview) -> str:
    return bytes(value).decode()
