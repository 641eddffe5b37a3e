"""Writes small .onnx files for tests: ONNX's protobuf by hand, as much as wake word models use."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np

Attributes = Mapping[str, float | int | Sequence[int]]

_DATA_TYPES = {"float32": 1, "int64": 7, "bool": 9}


def model(
    nodes: Sequence[bytes],
    tensors: Mapping[str, np.ndarray],
    inputs: Mapping[str, Sequence[int | str]],
    outputs: Mapping[str, Sequence[int | str]],
    raw_tensors: Sequence[bytes] = (),
) -> bytes:
    """A ModelProto of opset 17."""
    graph = b"".join(_field(1, one) for one in nodes) + _field(2, b"made")
    graph += b"".join(_field(5, one) for one in (*raw_tensors, *(tensor(*item) for item in tensors.items())))
    graph += b"".join(_field(11, _value_info(*item)) for item in inputs.items())
    graph += b"".join(_field(12, _value_info(*item)) for item in outputs.items())
    return _number(1, 8) + _field(7, graph) + _field(8, _number(2, 17))


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], attributes: Attributes | None = None) -> bytes:
    """A NodeProto."""
    content = b"".join(_field(1, name.encode()) for name in inputs)
    content += b"".join(_field(2, name.encode()) for name in outputs)
    content += _field(4, op.encode())
    return content + b"".join(_field(5, _attribute(*item)) for item in (attributes or {}).items())


def tensor(name: str, numbers: np.ndarray, as_list: bool = False) -> bytes:
    """A TensorProto, its float32 numbers as raw bytes or as a packed list."""
    content = b"".join(_number(1, size) for size in numbers.shape) + _number(2, _DATA_TYPES[str(numbers.dtype)])
    return content + _field(8, name.encode()) + _field(4 if as_list else 9, np.ascontiguousarray(numbers).tobytes())


def _attribute(name: str, value: float | int | Sequence[int]) -> bytes:
    content = _field(1, name.encode())
    match value:
        case int():
            return content + _number(3, value) + _number(20, 2)
        case float():
            return content + b"\x15" + struct.pack("<f", value) + _number(20, 1)
        case _:
            return content + b"".join(_number(8, one) for one in value) + _number(20, 7)


def _value_info(name: str, shape: Sequence[int | str]) -> bytes:
    dimensions = b"".join(
        _field(1, _number(1, size) if isinstance(size, int) else _field(2, size.encode())) for size in shape
    )
    return _field(1, name.encode()) + _field(2, _field(1, _number(1, 1) + _field(2, dimensions)))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value & (1 << 64) - 1)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes((*encoded, value))
