"""YAMNet: log-mel patches of sound to scores of 521 AudioSet classes, in ONNX Runtime.

The network is MobileNet v1 (https://arxiv.org/abs/1704.04861) trained on AudioSet and published with TensorFlow; its
layers, features and constants are those of https://github.com/tensorflow/models/tree/master/research/audioset/yamnet.
The published weights are TensorFlow variables: `onnx_model` makes them an ONNX graph once and keeps it in a folder.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from auricle.engines.embedded.tensor_bundle import DATA_FILE, FloatArray, read_bundle
from auricle.errors import WeightsError
from auricle.waveform import SAMPLE_RATE, Samples

CLASSES = 521
STFT_WINDOW = 400  # samples, 25 ms
STFT_HOP = 160  # samples, 10 ms
FFT_SIZE = 512
MEL_BANDS = 64
MEL_LOWEST, MEL_HIGHEST = 125.0, 7500.0  # Hz
LOG_OFFSET = 0.001
PATCH_FRAMES = 96
PATCH_SAMPLES = (PATCH_FRAMES - 1) * STFT_HOP + STFT_WINDOW  # 15,600: 0.975 s

_CONVERTER = 1  # part of the cached file's name; count up when `_build` changes
_BATCH_NORM_EPSILON = 1e-4
_STRIDES = (2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)  # of the 14 convolution layers; kernels are 3 by 3
_PADS = {1: [1, 1, 1, 1], 2: [0, 0, 1, 1]}  # TensorFlow's "same" on even sizes pads after, not before
_ONNX_OPSET, _ONNX_IR = 13, 8  # old enough for every ONNX Runtime that we allow


class Yamnet:
    """The network, ready to run. Safe to call from several threads.

    One thread and batches of 8 patches: 92 at once take 0.8 GB more memory and are no faster.
    """

    BATCH = 8

    def __init__(self, model: Path) -> None:
        """Load the ONNX file `model`. Raises WeightsError."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions share no base class
            raise WeightsError(f"ONNX Runtime cannot load {model}: {error}") from error

    def scores(self, features: FloatArray, hop: int) -> FloatArray:
        """Scores in 0..1, shape [patches, 521], of patches that start every `hop` frames of `features` (see `log_mel`).

        Only whole patches count: n frames hold 1 + (n - 96) // hop of them, and fewer than 96 hold none.
        """
        starts = range(0, len(features) - PATCH_FRAMES + 1, hop)
        result = np.empty((len(starts), CLASSES), np.float32)
        for first in range(0, len(starts), self.BATCH):
            patches = np.stack([features[at : at + PATCH_FRAMES] for at in starts[first : first + self.BATCH]])
            result[first : first + self.BATCH] = np.asarray(self._session.run(["scores"], {"patches": patches})[0])
        return result


def log_mel(samples: Samples) -> FloatArray:
    """Log-mel magnitudes of 16 kHz samples: float32, shape [frames, 64], a frame every 10 ms.

    In numpy: 0.3 ms of one core for a second of audio, a tenth of the network's time; as matrix products, which is what
    a graph would do, 0.5 ms.
    """
    if len(samples) < STFT_WINDOW:
        return np.empty((0, MEL_BANDS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, STFT_WINDOW)[::STFT_HOP]
    magnitudes = np.abs(np.fft.rfft(frames * _hann_window(), FFT_SIZE))
    mel: FloatArray = np.log(magnitudes @ _mel_weights() + np.float32(LOG_OFFSET))
    return mel


@cache
def _hann_window() -> FloatArray:
    """The periodic Hann window that `tf.signal.stft` uses."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(STFT_WINDOW) / STFT_WINDOW)).astype(np.float32)


@cache
def _mel_weights() -> FloatArray:
    """`tf.signal.linear_to_mel_weight_matrix`: triangles on the HTK mel scale, not normalised by area, no DC bin."""

    def mel(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return 1127.0 * np.log1p(hertz / 700.0)

    bins = mel(np.linspace(0.0, SAMPLE_RATE / 2, FFT_SIZE // 2 + 1))[1:, None]
    lowest, highest = mel(np.array([MEL_LOWEST, MEL_HIGHEST]))
    edges = np.linspace(lowest, highest, MEL_BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins - low) / (centre - low)
    falling = (high - bins) / (high - centre)
    weights = np.maximum(0.0, np.minimum(rising, falling))
    return np.pad(weights, ((1, 0), (0, 0))).astype(np.float32)


def onnx_model(bundle: Path, cache_folder: Path) -> Path:
    """The ONNX file of the weights in the folder `bundle`, converted at the first call and kept in `cache_folder`.

    Several processes may call it at once: each finds the whole file or writes one of its own, and the last one stays.
    Raises WeightsError.
    """
    try:
        with (bundle / DATA_FILE).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        target = cache_folder / f"yamnet-{digest[:16]}-{_CONVERTER}.onnx"
        if target.is_file():
            return target
        model = _build(bundle)
        cache_folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=cache_folder, prefix=".yamnet-", delete=False) as half:
            try:
                half.write(model)
                half.close()
                os.replace(half.name, target)  # noqa: PTH105 (the name is a string)
            except OSError:
                Path(half.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise WeightsError(f"cannot convert YAMNet from {bundle} into {cache_folder}: {error}") from error
    return target


def _build(bundle: Path) -> bytes:
    """The serialised ONNX graph: `patches` [n, 96, 64] to `scores` [n, 521], batch norms folded into convolutions.

    float32: half precision would halve the 15 MB file and move scores by up to .0014, and is widened again in memory.
    """
    # Needed for the conversion only, and 40 MB in memory.
    from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

    variables = read_bundle(bundle)
    nodes, constants = [], []

    def variable(index: int, name: str) -> FloatArray:
        suffix = f"layer_with_weights-{index}/{name}/.ATTRIBUTES/VARIABLE_VALUE"
        found = [value for key, value in variables.items() if key.endswith(suffix)]
        if len(found) != 1:
            raise WeightsError(f"{bundle} does not hold YAMNet: {len(found)} variables are called {suffix}")
        return found[0]

    def constant(name: str, value: npt.NDArray[np.generic]) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def convolution(source: str, index: int, kernel: FloatArray, stride: int, groups: int = 1) -> str:
        """Convolution `index`, the batch norm after it, and ReLU. `kernel`: [out, in, height, width]."""
        scale = 1.0 / np.sqrt(variable(index + 1, "moving_variance").astype(np.float64) + _BATCH_NORM_EPSILON)
        bias = variable(index + 1, "beta") - variable(index + 1, "moving_mean") * scale
        weights = constant(f"kernel{index}", (kernel * scale[:, None, None, None]).astype(np.float32))
        shifts = constant(f"bias{index}", bias.astype(np.float32))
        size = kernel.shape[2]
        pads = _PADS[stride] if size == 3 else [0, 0, 0, 0]
        nodes.append(
            helper.make_node(
                "Conv",
                [source, weights, shifts],
                [f"conv{index}"],
                kernel_shape=[size, size],
                strides=[stride, stride],
                pads=pads,
                group=groups,
            )
        )
        nodes.append(helper.make_node("Relu", [f"conv{index}"], [f"relu{index}"]))
        return f"relu{index}"

    nodes.append(helper.make_node("Unsqueeze", ["patches", constant("channel", np.array([1], np.int64))], ["image"]))
    value = convolution("image", 0, variable(0, "kernel").transpose(3, 2, 0, 1), _STRIDES[0])
    index = 2
    for stride in _STRIDES[1:]:
        depthwise = variable(index, "depthwise_kernel").transpose(2, 3, 0, 1)
        value = convolution(value, index, depthwise, stride, groups=len(depthwise))
        value = convolution(value, index + 2, variable(index + 2, "kernel").transpose(3, 2, 0, 1), 1)
        index += 4
    nodes.append(helper.make_node("ReduceMean", [value], ["embedding"], axes=[2, 3], keepdims=0))
    dense = [constant("dense", variable(index, "kernel")), constant("dense_bias", variable(index, "bias"))]
    nodes.append(helper.make_node("Gemm", ["embedding", *dense], ["logits"]))
    nodes.append(helper.make_node("Sigmoid", ["logits"], ["scores"]))
    graph = helper.make_graph(
        nodes,
        "yamnet",
        [helper.make_tensor_value_info("patches", TensorProto.FLOAT, ["n", PATCH_FRAMES, MEL_BANDS])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", CLASSES])],
        constants,
    )
    model: ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _ONNX_OPSET)])
    model.ir_version = _ONNX_IR
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())
