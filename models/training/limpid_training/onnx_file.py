"""ONNX files of the network: writing, and running one with PyTorch's operators.

The runner reads the file itself, so it shows what the file holds, not what the training still has in memory; it knows only
the operators of `network.Ffdr`.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch.nn import functional

OPSET = 17


def write(network: torch.nn.Module, path: Path) -> None:
    """Exports with free batch and image size: x [n, inputs, h, w] to y [n, 1, h, w]; the first layer is called `head`."""
    torch.onnx.export(
        network.float().eval().to(memory_format=torch.contiguous_format),
        torch.zeros(1, network.head.in_channels, 64, 64),
        str(path),
        input_names=["x"],
        output_names=["y"],
        opset_version=OPSET,
        dynamic_axes={"x": {0: "n", 2: "h", 3: "w"}, "y": {0: "n", 2: "h", 3: "w"}},
    )
    onnx.checker.check_model(onnx.load(str(path)), full_check=True)


class OnnxNetwork:
    """An ONNX file as a function of [n, inputs, h, w] float32."""

    def __init__(self, path: Path) -> None:
        self._graph = onnx.load(str(path)).graph
        self.inputs: int = self._graph.input[0].type.tensor_type.shape.dim[1].dim_value
        self._constants = {
            tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in self._graph.initializer
        }

    def __call__(self, x: np.ndarray) -> np.ndarray:
        values = {**self._constants, self._graph.input[0].name: torch.from_numpy(np.ascontiguousarray(x))}
        with torch.no_grad():
            for node in self._graph.node:
                attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
                inputs = [values[name] for name in node.input]
                values[node.output[0]] = _operate(node.op_type, attributes, inputs)
        return values[self._graph.output[0].name].numpy()


def _operate(operator: str, attributes: dict, inputs: list[torch.Tensor]) -> torch.Tensor:
    match operator:
        case "Conv":
            (top, left, bottom, right) = attributes["pads"]
            padded = functional.pad(inputs[0], (left, right, top, bottom))
            return functional.conv2d(padded, inputs[1], stride=attributes["strides"], dilation=attributes["dilations"])
        case "Relu":
            return functional.relu(inputs[0])
        case "Add":
            return inputs[0] + inputs[1]
        case "Sub":
            return inputs[0] - inputs[1]
        case "DepthToSpace":
            if attributes.get("mode", b"DCR") != b"CRD":
                raise ValueError("only DepthToSpace of mode CRD, which is a pixel shuffle, is known")
            return functional.pixel_shuffle(inputs[0], attributes["blocksize"])
        case "Constant":
            return torch.from_numpy(numpy_helper.to_array(attributes["value"]).copy())
        case "Slice":
            data, starts, ends, axes = inputs[:4]
            for start, end, axis in zip(starts.tolist(), ends.tolist(), axes.tolist()):
                data = data.narrow(axis, start, min(end, data.shape[axis]) - start)
            return data
        case _:
            raise ValueError(f"operator {operator} is none of the network's")
