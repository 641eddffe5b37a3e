"""openWakeWord's embedding model, evaluated by frames: only what the eight new mel rows change is computed.

The model looks at 76 mel rows. All its convolutions over time are without padding, and its pools step with the frame:
what it computes for one frame it would compute again for the next, eight rows on. So each convolution over time keeps
its last two rows of input, and 5.6 million multiplications do the work of 41.9. The result is the same but for
rounding.

Rows are laid out (time, band, channel). A convolution copies each point's surroundings side by side into one matrix,
with a column of ones for the bias, and is then one matrix product. Nothing is allocated after the start.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speakerd.errors import ModelError
from speakerd.wakeword.engine import FEATURES
from speakerd.wakeword.mel import BANDS, ROWS
from speakerd.wakeword.onnx_graph import Graph, Node, read_graph

Floats = NDArray[np.float32]
Step = Callable[[], object]

EMBEDDING_FRAMES = 10
"""The 76 rows, 9.5 frames, and half a frame of samples that the first row overlaps."""

_SLOPE = np.float32(0.2)
_FLOOR = np.float32(-0.4)
"""The activation is max(x, 0.2 x, -0.4)."""


class StreamingEmbedding:
    """Turns eight new mel rows into 96 features."""

    def __init__(self, path: Path) -> None:
        """Take the weights from openWakeWord's embedding_model.onnx; raises ModelError for another file."""
        self._steps: list[Step] = []
        self._memories: list[Floats] = []
        try:
            self._input, self._features = self._build(read_graph(path))
        except (KeyError, IndexError, ValueError):
            raise ModelError(f"{path} is not openWakeWord's embedding model: run scripts/fetch-models.") from None

    def features(self, rows: Floats) -> Floats:
        """float32[96] after the next float32[8, 32]; valid until the next call."""
        np.copyto(self._input, rows)
        for step in self._steps:
            step()
        return self._features

    def memory(self) -> list[Floats]:
        """A copy of all that it remembers."""
        return [memory.copy() for memory in self._memories]

    def recall(self, memory: list[Floats]) -> None:
        """Go on from what was remembered then."""
        for mine, wanted in zip(self._memories, memory, strict=True):
            np.copyto(mine, wanted)

    def _build(self, graph: Graph) -> tuple[Floats, Floats]:
        """Lay the steps; returns where the mel rows go and where the features appear."""
        layers = _layers(graph)
        shape = (ROWS, BANDS, 1)
        source: Floats = np.zeros(0, np.float32)
        rows_input = source
        for number, (convolution, pool) in enumerate(layers):
            weights = graph.tensors[convolution.inputs[1]]
            whole, target = self._surroundings(shape, weights.shape)
            if number:
                self._steps += _activated(source, target)
            else:
                rows_input = target[..., 0]
            source = self._pooled(self._product(whole, graph, convolution), pool)
            shape = source.shape
        if source.size != FEATURES:
            raise ValueError(shape)
        return rows_input, source.reshape(FEATURES)

    def _surroundings(self, shape: tuple[int, ...], weights: tuple[int, ...]) -> tuple[Floats, Floats]:
        """A layer's input with past rows and margins, and the part of it that new rows fill."""
        time, bands, channels = shape
        time_taps, band_taps = weights[2:]
        if weights[1] != channels or time_taps not in (1, 3) or band_taps not in (1, 3):
            raise ValueError(weights)
        past, margin = time_taps - 1, band_taps // 2
        whole = np.zeros((past + time, bands + 2 * margin, channels), np.float32)
        return whole, whole[past:, margin : margin + bands]

    def _product(self, whole: Floats, graph: Graph, convolution: Node) -> Floats:
        """Steps for a convolution of a layer's input; returns where (time, band, channel) will appear."""
        weights = graph.tensors[convolution.inputs[1]]
        outputs, _, time_taps, band_taps = weights.shape
        windows = np.lib.stride_tricks.sliding_window_view(whole, (time_taps, band_taps), axis=(0, 1))
        windows = windows.transpose(0, 1, 3, 4, 2)
        points, taps = windows.shape[:2], weights[0].size
        matrix = np.ones((*points, taps + 1), np.float32)
        bias = graph.tensors[convolution.inputs[2]] if len(convolution.inputs) > 2 else np.zeros(outputs, np.float32)
        factors = np.concatenate((weights.transpose(2, 3, 1, 0).reshape(taps, outputs), bias[None]))
        product = np.zeros((*points, outputs), np.float32)
        self._steps.append(partial(np.copyto, matrix[..., :taps].reshape(windows.shape), windows))
        self._remember(whole, time_taps - 1)
        self._steps.append(partial(np.dot, matrix.reshape(-1, taps + 1), factors, out=product.reshape(-1, outputs)))
        return product

    def _remember(self, whole: Floats, past: int) -> None:
        """Keep the last rows as the past of the next frame."""
        if not past:
            return
        self._memories.append(whole[:past])
        # Row by row where few are new: what is read and what is written must not overlap.
        rows = min(past, len(whole) - past)
        for first in range(0, past, rows):
            kept, newer = whole[first : first + rows], whole[len(whole) - past + first :][:rows]
            self._steps.append(partial(np.copyto, kept, newer))

    def _pooled(self, source: Floats, pool: Node | None) -> Floats:
        """Pools come before the activation here: it never falls, so the greatest stays the greatest."""
        if pool is None:
            return source
        over_time, over_bands = pool.attributes["kernel_shape"]  # type: ignore[misc]  # two whole numbers, or ValueError
        if over_bands == 2:
            source = self._greater(source[:, 0::2], source[:, 1::2])
        if over_time == 2:
            source = self._greater(source[0::2], source[1::2])
        return source

    def _greater(self, one: Floats, other: Floats) -> Floats:
        greater: Floats = np.zeros(one.shape, np.float32)
        lesser: Floats = np.zeros(one.shape, np.float32)
        self._steps += [
            partial(np.copyto, greater, one),
            partial(np.copyto, lesser, other),
            partial(np.maximum, greater, lesser, out=greater),
        ]
        return greater


def _activated(source: Floats, target: Floats) -> list[Step]:
    """Steps that write the activation of the source to the target."""
    small = np.zeros_like(source)
    floor = np.full_like(source, _FLOOR)  # numpy compares two arrays four times as fast as an array and a number
    return [
        partial(np.multiply, source, _SLOPE, out=small),
        partial(np.maximum, small, floor, out=small),
        partial(np.maximum, source, small, out=small),
        partial(np.copyto, target, small),
    ]


def _layers(graph: Graph) -> list[tuple[Node, Node | None]]:
    """Each convolution with the pool behind it, if there is one."""
    layers: list[tuple[Node, Node | None]] = []
    for node in graph.nodes:
        if node.op == "Conv":
            layers.append((node, None))
        elif node.op == "MaxPool":
            layers[-1] = layers[-1][0], node
        elif node.op not in ("Reshape", "LeakyRelu", "Max"):
            raise ValueError(node.op)
    return layers
