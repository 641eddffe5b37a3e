"""The small model of one wake word in numpy: its graph becomes a list of steps over arrays that are allocated once.

It knows the operators of openWakeWord's pre-trained models and of its training notebooks. A model with another operator
is refused by name; an inference runtime can load it instead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speakerd.errors import ModelError, UnknownOperatorError
from speakerd.wakeword.engine import FEATURES
from speakerd.wakeword.inspection import checked_shapes
from speakerd.wakeword.onnx_graph import Graph, Node, Tensor, read_graph

Step = Callable[[], object]

_ELEMENTWISE: dict[str, Any] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
    "Sqrt": np.sqrt,
    "Tanh": np.tanh,
    "Exp": np.exp,
}
_SAME_NUMBERS = {"Flatten", "Reshape", "Identity", "Cast", "Squeeze", "Unsqueeze", "Dropout"}


class NumpyHead:
    """Implements Head."""

    def __init__(self, path: Path) -> None:
        """Lay out a checked .onnx file; raises UnknownOperatorError, or ModelError where its shapes do not fit."""
        graph = read_graph(path)
        self.feature_frames = checked_shapes(path, list(graph.inputs.values()), list(graph.outputs.values()))
        """See Head."""
        try:
            (name,), (output,) = graph.inputs, graph.outputs
            self._input = np.zeros((1, self.feature_frames, FEATURES), np.float32)
            self._steps: list[Step] = []
            self._score = _Layout(self._steps, {name: self._input}).laid(graph)[output].reshape(1)
        except UnknownOperatorError as error:
            raise UnknownOperatorError(f"{path} {error}") from error
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{path} is not a wake word's model ({error}): give another file.") from error

    def __call__(self, features: NDArray[np.float32]) -> float:
        """See Head."""
        np.copyto(self._input[0], features)
        for step in self._steps:
            step()
        return float(self._score[0])


class _Layout:
    """Lays out graphs: adds the steps that compute each node, in arrays of its own."""

    def __init__(self, steps: list[Step], arrays: Mapping[str, Tensor]) -> None:
        self._steps = steps
        self._arrays = dict(arrays)

    def laid(self, graph: Graph) -> Mapping[str, Tensor]:
        """The arrays by name once all steps are laid."""
        self._arrays.update(graph.tensors)
        nodes = deque(graph.nodes)
        while nodes:
            taken = _normalization(nodes, self._arrays)
            node = taken or nodes.popleft()
            self._arrays[node.outputs[0]] = self._computed(node, [self._arrays[name] for name in node.inputs if name])
        return self._arrays

    def _computed(self, node: Node, inputs: list[Tensor]) -> Tensor:
        """The array in which a node's result will be."""
        match node.op:
            case "Constant":
                return np.asarray(node.attributes["value"])
            case "Gemm" | "MatMul":
                return self._matrix_product(node, *inputs)
            case "ReduceMean":
                return self._mean(inputs[0], _axes(node, inputs))
            case "Pow" if inputs[1].size == 1 and float(inputs[1].reshape(())) == 2:
                return self._elementwise(np.square, inputs[0])
            case "Relu":
                return self._elementwise(np.maximum, inputs[0], np.float32(0))
            case "LeakyRelu":
                slope = np.float32(node.attributes.get("alpha", 0.01))  # type: ignore[arg-type]  # a float, says ONNX
                return self._elementwise(np.maximum, inputs[0], self._elementwise(np.multiply, inputs[0], slope))
            case "Sigmoid":
                return self._sigmoid(inputs[0])
            case "LayerNormalization":
                return self._normalized(node, *inputs)
            case "GreaterOrEqual":
                return self._added(np.greater_equal, inputs, np.zeros(inputs[0].shape, np.bool_))
            case "If":
                return self._either(node, inputs[0])
            case op if op in _SAME_NUMBERS:
                return inputs[0] if op != "Flatten" else inputs[0].reshape(inputs[0].shape[0], -1)
            case op if op in _ELEMENTWISE:
                return self._elementwise(_ELEMENTWISE[op], *inputs)
            case op:
                raise UnknownOperatorError(f"uses the operator {op}, which needs an inference runtime.")

    def _elementwise(self, function: Any, *inputs: Any) -> Tensor:
        return self._added(function, inputs, np.zeros(np.broadcast_shapes(*map(np.shape, inputs)), np.float32))

    def _added(self, function: Any, inputs: Any, result: Tensor) -> Tensor:
        arrays = [self._constant(one, result.shape) if function is not np.dot else one for one in inputs]
        self._steps.append(partial(function, *arrays, out=result))
        return result

    def _constant(self, number: Any, shape: tuple[int, ...]) -> Any:
        """A number or a constant of the file in its final shape: numpy takes twice as long where shapes differ."""
        is_computed = isinstance(number, np.ndarray) and number.flags.writeable
        return number if is_computed else np.broadcast_to(number, shape).astype(np.float32)

    def _matrix_product(self, node: Node, one: Tensor, other: Tensor, bias: Tensor | None = None) -> Tensor:
        if node.attributes.get("transA") or {node.attributes.get(name, 1.0) for name in ("alpha", "beta")} != {1.0}:
            raise UnknownOperatorError("uses a scaled matrix product, which needs an inference runtime.")
        factors = other.T if node.attributes.get("transB") else other
        product: Tensor = np.zeros((*one.shape[:-1], factors.shape[1]), np.float32)
        self._added(np.dot, (one, factors), product)
        return product if bias is None else self._added(np.add, (product, bias), product)

    def _mean(self, numbers: Tensor, axis: int) -> Tensor:
        mean: Tensor = np.zeros(np.add.reduce(numbers, axis=axis, keepdims=True).shape, np.float32)
        self._steps.append(partial(np.add.reduce, numbers, axis=axis, keepdims=True, out=mean))
        return self._added(np.multiply, (mean, np.float32(1 / numbers.shape[axis])), mean)

    def _normalized(self, node: Node, numbers: Tensor, scale: Tensor, bias: Tensor | None = None) -> Tensor:
        epsilon = np.float32(node.attributes.get("epsilon", 1e-5))  # type: ignore[arg-type]  # a float, says ONNX
        if numbers.ndim != 2 or len(numbers) != 1:
            raise UnknownOperatorError("normalizes more than one row, which needs an inference runtime.")
        # The mean comes from a product, too: numpy sums a row more slowly than it multiplies matrices.
        size = numbers.shape[1]
        mean, power = np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32)
        centred = np.zeros_like(numbers)
        self._added(np.dot, (numbers, np.full((size, 1), 1 / size, np.float32)), mean)
        self._added(np.subtract, (numbers, mean), centred)
        self._added(np.dot, (centred, centred.T), power)
        self._added(np.multiply, (power, np.float32(1 / size)), power)
        self._added(np.add, (power, epsilon), power)
        self._added(np.sqrt, (power,), power)
        self._added(np.divide, (centred, power), centred)
        self._added(np.multiply, (centred, scale), centred)
        return centred if bias is None else self._added(np.add, (centred, bias), centred)

    def _sigmoid(self, numbers: Tensor) -> Tensor:
        """By the tangent, which never overflows: 1 / (1 + exp(-x)) = tanh(x / 2) / 2 + 1 / 2."""
        half = np.float32(0.5)
        result = self._elementwise(np.multiply, numbers, half)
        self._added(np.tanh, (result,), result)
        self._added(np.multiply, (result, half), result)
        return self._added(np.add, (result, half), result)

    def _either(self, node: Node, condition: Tensor) -> Tensor:
        """The result of one of two graphs, of which only that one is computed."""
        branches: list[tuple[list[Step], Tensor]] = []
        for name in ("else_branch", "then_branch"):
            graph = node.attributes[name]
            if not isinstance(graph, Graph):
                raise ValueError(name)
            steps: list[Step] = []
            branches.append((steps, _Layout(steps, self._arrays).laid(graph)[next(iter(graph.outputs))]))
        result = np.zeros(branches[0][1].shape, np.float32)

        def choose() -> None:
            steps, chosen = branches[bool(condition.all())]
            for step in steps:
                step()
            np.copyto(result, chosen)

        self._steps.append(choose)
        return result


_NORMALIZATION = ("ReduceMean", "Sub", "Constant", "Pow", "ReduceMean", "Constant", "Add", "Sqrt", "Div", "Mul", "Add")
"""How older exports of PyTorch write a LayerNormalization."""


def _normalization(nodes: deque[Node], arrays: Mapping[str, Tensor]) -> Node | None:
    """One LayerNormalization for the eleven nodes that come next, which are then taken; None if they are not one."""
    taken = tuple(islice(nodes, len(_NORMALIZATION)))
    if tuple(node.op for node in taken) != _NORMALIZATION:
        return None
    mean, centred, two, power, variance, epsilon, sum_, root, quotient, scaled, shifted = taken
    source, scale, bias = mean.inputs[0], scaled.inputs[1], shifted.inputs[1]
    is_it = (
        {_last_axis(node) for node in (mean, variance)} == {True}
        and centred.inputs == (source, *mean.outputs)
        and power.inputs == (*centred.outputs, *two.outputs)
        and two.attributes["value"] == 2
        and variance.inputs == power.outputs
        and sum_.inputs == (*variance.outputs, *epsilon.outputs)
        and root.inputs == sum_.outputs
        and quotient.inputs == (*centred.outputs, *root.outputs)
        and scaled.inputs[0] == quotient.outputs[0]
        and shifted.inputs[0] == scaled.outputs[0]
        and scale in arrays
        and bias in arrays
    )
    if not is_it:
        return None
    for _ in taken:
        nodes.popleft()
    value = float(np.asarray(epsilon.attributes["value"]).reshape(()))
    return Node("LayerNormalization", (source, scale, bias), shifted.outputs, {"epsilon": value})


def _last_axis(node: Node) -> bool:
    return node.attributes.get("axes") == (-1,) and bool(node.attributes.get("keepdims", 1))


def _axes(node: Node, inputs: list[Tensor]) -> int:
    axes = inputs[1].tolist() if len(inputs) > 1 else node.attributes.get("axes", ())
    if not isinstance(axes, list | tuple) or len(axes) != 1 or not node.attributes.get("keepdims", 1):
        raise UnknownOperatorError("uses a mean over several axes, which needs an inference runtime.")
    return int(axes[0])
