"""A network that somebody else trained, given as ONNX: what --teacher needs of the operators that networks for pictures are made of."""
import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional as F


def both_sides(pads, name):
    """ONNX has the pads of all sides, torch the ones of a side that the other side shares."""
    half = len(pads) // 2
    if pads[:half] != pads[half:]: raise SystemExit(f"--teacher: {name} pads two sides differently, which this script does not know")
    return pads[:half]


def window(a, name):
    if a.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID") or a.get("ceil_mode", 0): raise SystemExit(f"--teacher: {name} has auto_pad or ceil_mode, which this script does not know")
    return dict(stride=a.get("strides", [1, 1]), padding=both_sides(a.get("pads", [0, 0, 0, 0]), name))


def gemm(n, a, x, w, b=None):
    product = a.get("alpha", 1) * (x.t() if a.get("transA", 0) else x) @ (w.t() if a.get("transB", 0) else w)
    return product if b is None else product + a.get("beta", 1) * b


def cut(n, a, x, starts, ends, axes=None, steps=None):
    axes = range(len(starts)) if axes is None else axes.tolist()
    for axis, start, end, step in zip(axes, starts.tolist(), ends.tolist(), [1] * len(starts) if steps is None else steps.tolist()):
        x = x.index_select(axis, torch.arange(x.shape[axis])[slice(start, end, step)])
    return x


def pad(n, a, x, pads, value=None, axes=None):
    if a.get("mode", b"constant") != b"constant" or axes is not None: raise SystemExit(f"--teacher: {n} pads in a way that this script does not know")
    before, after = pads.tolist()[: x.dim()], pads.tolist()[x.dim() :]
    return F.pad(x, [side for pair in reversed(list(zip(before, after))) for side in pair], value=0 if value is None else float(value))


OPERATORS = {
    "Conv": lambda n, a, x, w, b=None: F.conv2d(x, w, b, groups=a.get("group", 1), dilation=a.get("dilations", [1, 1]), **window(a, n)),
    "BatchNormalization": lambda n, a, x, scale, shift, mean, variance: F.batch_norm(x, mean, variance, scale, shift, eps=a.get("epsilon", 1e-5)),
    "MaxPool": lambda n, a, x: F.max_pool2d(x, a["kernel_shape"], **window(a, n)),
    "AveragePool": lambda n, a, x: F.avg_pool2d(x, a["kernel_shape"], count_include_pad=bool(a.get("count_include_pad", 0)), **window(a, n)),
    "GlobalAveragePool": lambda n, a, x: x.mean((2, 3), keepdim=True),
    "Flatten": lambda n, a, x: x.flatten(a.get("axis", 1)),
    "Reshape": lambda n, a, x, shape: x.reshape([x.shape[i] if side == 0 else side for i, side in enumerate(shape.tolist())]),
    **{"Gemm": gemm, "Slice": cut, "Pad": pad, "Relu": lambda n, a, x: x.relu(), "Sigmoid": lambda n, a, x: x.sigmoid(), "Identity": lambda n, a, x: x},
    **{"MatMul": lambda n, a, x, y: x @ y, "Add": lambda n, a, x, y: x + y, "Sub": lambda n, a, x, y: x - y, "Mul": lambda n, a, x, y: x * y, "Div": lambda n, a, x, y: x / y},
    "Clip": lambda n, a, x, least=None, most=None: x.clamp(least, most),
}


class Given(nn.Module):
    """Takes bytes / 255, and subtracts `mean` and divides by `deviation` of each channel before the network sees them."""

    def __init__(self, file, mean, deviation):
        super().__init__()
        graph = onnx.load(file).graph
        self.constants = {c.name: torch.from_numpy(numpy_helper.to_array(c).copy()) for c in graph.initializer}
        self.steps = []
        for node in graph.node:
            attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
            if node.op_type == "Constant": self.constants[node.output[0]] = torch.from_numpy(numpy_helper.to_array(attributes["value"]).copy())
            elif node.op_type in OPERATORS: self.steps.append((OPERATORS[node.op_type], node.name or node.output[0], attributes, list(node.input), node.output[0]))
            else: raise SystemExit(f"--teacher {file}: has the operator {node.op_type}, which this script does not know")
        (self.input,) = [one.name for one in graph.input if one.name not in self.constants]
        self.output = graph.output[0].name
        self.mean, self.deviation = (torch.tensor(values).view(1, -1, 1, 1) for values in (mean, deviation))

    def forward(self, x):
        values = {**self.constants, self.input: (x - self.mean) / self.deviation}
        for run, name, attributes, inputs, output in self.steps:
            values[output] = run(name, attributes, *(values[one] if one else None for one in inputs))
        return values[self.output]
