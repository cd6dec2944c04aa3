"""YAMNet's features and network, against plain float64 arithmetic."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from auricle.engines.embedded.tensor_bundle import DATA_FILE, read_bundle
from auricle.engines.embedded.yamnet import CLASSES, Yamnet, log_mel, onnx_model
from auricle.errors import WeightsError

Doubles = npt.NDArray[np.float64]
STRIDES = (2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)


def test_features_are_those_of_the_definition() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 1600).astype(np.float32)
    hertz = np.arange(257) * 16000 / 512
    mels = 1127 * np.log(1 + hertz / 700)
    edges = np.linspace(1127 * np.log(1 + 125 / 700), 1127 * np.log(1 + 7500 / 700), 66)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    expected = np.empty((8, 64))
    for frame in range(8):
        piece = samples[160 * frame : 160 * frame + 400].astype(np.float64) * window
        turns = np.exp(-2j * np.pi * np.outer(np.arange(257), np.arange(400)) / 512)
        magnitudes = np.abs(turns @ piece)
        for band in range(64):
            low, centre, high = edges[band : band + 3]
            weights = np.clip(np.minimum((mels - low) / (centre - low), (high - mels) / (high - centre)), 0, None)
            expected[frame, band] = np.log(magnitudes[1:] @ weights[1:] + 0.001)
    np.testing.assert_allclose(log_mel(samples), expected, atol=2e-4)


def test_audio_shorter_than_a_window_has_no_features() -> None:
    assert log_mel(np.zeros(399, np.float32)).shape == (0, 64)


def convolve(image: Doubles, kernel: Doubles, stride: int, depthwise: bool = False) -> Doubles:
    """TensorFlow's `same` convolution of [height, width, channels] with [kh, kw, in, out], tap by tap."""
    size = kernel.shape[0]
    total = max(size - stride, 0)
    before = total // 2
    padded = np.pad(image, ((before, total - before), (before, total - before), (0, 0)))
    height, width = image.shape[0] // stride, image.shape[1] // stride
    out: Doubles = np.zeros((height, width, image.shape[2] if depthwise else kernel.shape[3]))
    for y in range(size):
        for x in range(size):
            tap = padded[y : y + stride * height : stride, x : x + stride * width : stride]
            out += tap * kernel[y, x, :, 0] if depthwise else tap @ kernel[y, x]
    return out


def reference_scores(bundle: Path, patch: npt.NDArray[np.float32]) -> Doubles:
    """Scores of one patch, layer by layer, with batch norms as they are written."""
    variables = {key.split("layer_with_weights-")[-1]: value for key, value in read_bundle(bundle).items()}

    def variable(index: int, name: str) -> Doubles:
        return variables[f"{index}/{name}/.ATTRIBUTES/VARIABLE_VALUE"].astype(np.float64)

    def normal(image: Doubles, index: int) -> Doubles:
        spread = np.sqrt(variable(index, "moving_variance") + 1e-4)
        return np.maximum(0, (image - variable(index, "moving_mean")) / spread + variable(index, "beta"))

    image = normal(convolve(patch[:, :, None].astype(np.float64), variable(0, "kernel"), STRIDES[0]), 1)
    for layer, stride in enumerate(STRIDES[1:]):
        index = 2 + 4 * layer
        image = normal(convolve(image, variable(index, "depthwise_kernel"), stride, depthwise=True), index + 1)
        image = normal(convolve(image, variable(index + 2, "kernel"), 1), index + 3)
    logits = image.mean(axis=(0, 1)) @ variable(54, "kernel") + variable(54, "bias")
    return np.asarray(1 / (1 + np.exp(-logits)))


@pytest.mark.weights
def test_the_network_agrees_with_plain_arithmetic(sounds_bundle: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    times = np.arange(32000) / 16000
    samples = (0.3 * np.sin(2 * np.pi * 440 * times) * (times < 1) + rng.normal(0, 0.02, 32000)).astype(np.float32)
    features = log_mel(samples)
    scores = Yamnet(onnx_model(sounds_bundle, tmp_path)).scores(features, 48)
    assert scores.shape == (3, CLASSES)
    for number in (0, 2):
        expected = reference_scores(sounds_bundle, features[48 * number : 48 * number + 96])
        np.testing.assert_allclose(scores[number], expected, atol=2e-5)


@pytest.mark.weights
def test_many_convert_at_once_and_leave_one_file(sounds_bundle: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(lambda _: onnx_model(sounds_bundle, tmp_path / "cache"), range(4)))
    assert [*(tmp_path / "cache").iterdir()] == [*paths]
    Yamnet(paths.pop())


@pytest.mark.weights
def test_the_model_is_converted_once(sounds_bundle: Path, tmp_path: Path) -> None:
    path = onnx_model(sounds_bundle, tmp_path)
    written = path.stat().st_mtime_ns
    assert onnx_model(sounds_bundle, tmp_path) == path
    assert path.stat().st_mtime_ns == written


def test_weights_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot convert YAMNet"):
        onnx_model(tmp_path / "nothing", tmp_path)


def test_weights_that_are_not_weights_leave_nothing(tmp_path: Path) -> None:
    (tmp_path / DATA_FILE).write_bytes(b"nonsense")
    (tmp_path / "variables.index").write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match="damaged"):
        onnx_model(tmp_path, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_model_that_is_no_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match="ONNX Runtime cannot load"):
        Yamnet(tmp_path / "model.onnx")
