"""Reads the variables of a TensorFlow SavedModel (a "tensor bundle") without TensorFlow.

A bundle is an index, a LevelDB table from variable names to small protocol-buffer records, and a data file that the
records point into. The formats: tensorflow/core/util/tensor_bundle and tensorflow/core/protobuf/tensor_bundle.proto in
https://github.com/tensorflow/tensorflow, and https://github.com/google/leveldb/blob/main/doc/table_format.md.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from auricle.errors import WeightsError

INDEX_FILE = "variables.index"
DATA_FILE = "variables.data-00000-of-00001"

_MAGIC = 0xDB4775248B80FB57
_FOOTER_BYTES = 48
_TRAILER_BYTES = 5  # of a block: its compression and its checksum
_DTYPES = {1: np.dtype("<f4"), 3: np.dtype("<i4"), 9: np.dtype("<i8")}  # DataType in types.proto; others are left out

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A BundleEntryProto."""

    dtype: int = 0
    shape: tuple[int, ...] = ()
    shard: int = 0
    offset: int = 0
    size: int = 0  # bytes


def read_bundle(folder: Path) -> dict[str, FloatArray]:
    """The float32 variables of the bundle in `folder`, by name, as arrays of their own shapes.

    Raises WeightsError when a file is missing, damaged, compressed or in several shards.
    """
    try:
        index = (folder / INDEX_FILE).read_bytes()
        data = (folder / DATA_FILE).read_bytes()
    except OSError as error:
        raise WeightsError(f"cannot read the TensorFlow variables in {folder}: {error.strerror}") from error
    try:
        return dict(_variables(index, data))
    except (IndexError, ValueError, struct.error) as error:
        raise WeightsError(f"the TensorFlow variables in {folder} are damaged: {error}") from error


def _variables(index: bytes, data: bytes) -> Iterator[tuple[str, FloatArray]]:
    for key, value in _table(index):
        entry = _entry(value)
        dtype = _DTYPES.get(entry.dtype)
        if not key or dtype is None or dtype != np.float32:  # the empty key is the bundle's header
            continue
        if entry.shard != 0:
            raise ValueError("more than one data file")
        if entry.size != 4 * prod(entry.shape) or entry.offset + entry.size > len(data):
            raise ValueError(f"{key!r} lies outside the data file or has a wrong size")
        array = np.frombuffer(data, dtype, prod(entry.shape), entry.offset)
        yield key.decode(), array.reshape(entry.shape)


def _table(index: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of a LevelDB table, in order."""
    footer = index[-_FOOTER_BYTES:]
    if len(footer) < _FOOTER_BYTES or struct.unpack_from("<Q", footer, _FOOTER_BYTES - 8)[0] != _MAGIC:
        raise ValueError("not a LevelDB table")
    at = 0
    for _ in range(2):  # the handle of the meta index, not needed
        _, at = _varint(footer, at)
    for _, handle in _block(index, footer[at:]):
        yield from _block(index, handle)


def _block(index: bytes, handle: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of the block that `handle` (offset and size as varints) points at."""
    offset, at = _varint(handle, 0)
    size, _ = _varint(handle, at)
    block = index[offset : offset + size]
    trailer = index[offset + size : offset + size + _TRAILER_BYTES]
    if len(trailer) < _TRAILER_BYTES or trailer[0] != 0:
        raise ValueError("a block is cut off or compressed")
    (restarts,) = struct.unpack_from("<I", block, size - 4)
    end = size - 4 - 4 * restarts
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        yield key, block[at : at + length]
        at += length


def _entry(record: bytes) -> _Entry:
    fields = dict(_fields(record))
    shape = fields.get(2, b"")
    if not isinstance(shape, bytes):
        raise ValueError("a shape is not a message")
    dimensions = (
        dict(_fields(dim)).get(1, 0) for number, dim in _fields(shape) if number == 2 and isinstance(dim, bytes)
    )
    numbers = [value if isinstance(value := fields.get(number, 0), int) else 0 for number in (1, 3, 4, 5)]
    return _Entry(numbers[0], tuple(int(size) for size in dimensions), *numbers[1:])


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and values of a protocol-buffer message; fixed-width fields as their bytes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == 2:
            length, at = _varint(message, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind}")
        yield number, message[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at` and where it ends."""
    result = shift = 0
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7
