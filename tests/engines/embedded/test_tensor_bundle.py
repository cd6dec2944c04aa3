"""The reader of TensorFlow variables, on bundles written here."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.engines.embedded.tensor_bundle import DATA_FILE, INDEX_FILE, FloatArray, read_bundle
from auricle.errors import WeightsError

VARIABLES = {
    "layer-1/kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "layer-1/scale": np.array(0.5, np.float32),
    "layer-10/bias": np.array([1.5, -2.0], np.float32),
}


def varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def block(items: list[tuple[bytes, bytes]]) -> bytes:
    """A LevelDB block whose keys share their prefixes, with its uncompressed trailer."""
    out, last = b"", b""
    for key, value in items:
        shared = next((i for i, (a, b) in enumerate(zip(key, last, strict=False)) if a != b), min(len(key), len(last)))
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    return out + struct.pack("<II", 0, 1) + bytes(5)


def bundle(variables: dict[str, FloatArray], dtype: int = 1) -> tuple[bytes, bytes]:
    """Index and data of a bundle."""
    data, items = b"", [(b"", field(1, 1))]
    for name, array in sorted(variables.items()):
        shape = b"".join(field(2, field(1, size)) for size in array.shape)
        entry = field(1, dtype) + field(2, shape) + field(4, len(data)) + field(5, array.nbytes)
        items.append((name.encode(), entry + varint(6 << 3 | 5) + bytes(4)))
        data += array.tobytes()
    first = block(items)
    index = block([(b"z", varint(0) + varint(len(first) - 5))])
    footer = varint(0) + varint(0) + varint(len(first)) + varint(len(index) - 5)
    return first + index + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57), data


def write(folder: Path, index: bytes, data: bytes) -> Path:
    (folder / INDEX_FILE).write_bytes(index)
    (folder / DATA_FILE).write_bytes(data)
    return folder


def test_variables_come_back_with_names_and_shapes(tmp_path: Path) -> None:
    found = read_bundle(write(tmp_path, *bundle(VARIABLES)))
    assert found.keys() == VARIABLES.keys()
    for name, array in VARIABLES.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == np.float32


def test_variables_of_other_types_are_left_out(tmp_path: Path) -> None:
    assert read_bundle(write(tmp_path, *bundle(VARIABLES, dtype=3))) == {}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="No such file"):
        read_bundle(tmp_path)


def test_data_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    index, data = bundle(VARIABLES)
    with pytest.raises(WeightsError, match="outside the data file"):
        read_bundle(write(tmp_path, index, data[:-1]))


def test_a_compressed_block_is_refused(tmp_path: Path) -> None:
    index, data = bundle(VARIABLES)
    spoilt = bytearray(index)
    spoilt[-48 - 5] = 1
    with pytest.raises(WeightsError, match="compressed"):
        read_bundle(write(tmp_path, bytes(spoilt), data))


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_damage_is_only_ever_a_weights_error(tmp_path_factory: pytest.TempPathFactory, draw: st.DataObject) -> None:
    index, data = bundle(VARIABLES)
    spoilt = bytearray(index[: draw.draw(st.integers(0, len(index)))] if draw.draw(st.booleans()) else index)
    for at in draw.draw(st.lists(st.integers(0, max(0, len(spoilt) - 1)), max_size=4)):
        if spoilt:
            spoilt[at] = draw.draw(st.integers(0, 255))
    folder = write(tmp_path_factory.mktemp("bundle"), bytes(spoilt), data)
    try:
        read_bundle(folder)
    except WeightsError:
        pass
