"""Makes the .onnx files beside it: small networks as PyTorch exports them.

    apt-get install python3-torch python3-onnx
    /usr/bin/python3 network/testing/pytorch/export.py

Made with PyTorch 1.13.1 of Debian 12. Tests read the files and need no PyTorch.
"""

import os

import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
SIDE, MAPS, UNITS, CLASSES = 12, 4, 6, 3

# Quadratics of x, a coefficient for each channel unless it says otherwise.
QUADRATICS = {
    "bare": lambda x, a, b, c: x * x,
    "axx+bx": lambda x, a, b, c: a * x * x + b * x,
    "xx-a+bx+c": lambda x, a, b, c: (x * x) * a + b * x + c,
    "bx+pow": lambda x, a, b, c: c + (b * x + a * x**2),
    "x-ax+b": lambda x, a, b, c: x * (a * x + b) + c,
    "factors": lambda x, a, b, c: (a * x + b) * (x + c),
    "square-bx": lambda x, a, b, c: a * torch.square(x) - b * x,
    "addcmul": lambda x, a, b, c: torch.addcmul(b * x, a * x, x),
    "shifted": lambda x, a, b, c: a * torch.pow(x + b, 2) + c,
    "scalars": lambda x, a, b, c: 0.1 * x * x + 0.5 * x + 0.25,
    "views": lambda x, a, b, c: a.flatten().view(a.shape) * x * x + b * x / 2 - c,
}


class Quadratic(nn.Module):
    def __init__(self, form, shape):
        super().__init__()
        self.form = form
        self.a = nn.Parameter(0.2 + 0.1 * torch.rand(shape))
        self.b = nn.Parameter(0.5 + 0.2 * torch.randn(shape))
        self.c = nn.Parameter(0.2 * torch.randn(shape))

    def forward(self, x):
        return self.form(x, self.a, self.b, self.c)


def convolutional(activation, channels=1):
    return nn.Sequential(
        nn.Conv2d(channels, MAPS, 3, stride=2, padding=1),
        activation([1, MAPS, 1, 1]),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(MAPS * 9, UNITS),
        activation([UNITS]),
        nn.Linear(UNITS, CLASSES),
    )


class Square(nn.Module):
    def forward(self, x):
        return x * x


class Spatial(nn.Module):
    """Convolution, square, something that makes one number of each channel, dense."""

    def __init__(self, reduce):
        super().__init__()
        self.conv = nn.Conv2d(1, MAPS, 3, stride=2, padding=1)
        self.dense = nn.Linear(MAPS, CLASSES)
        self.reduce = reduce

    def forward(self, x):
        x = self.conv(x)
        return self.dense(self.reduce(x * x))


REDUCTIONS = {
    "mean": lambda x: x.mean((2, 3)),
    "mean-negative": lambda x: x.mean((-1, -2), keepdim=True).flatten(1),
    "mean-twice": lambda x: x.mean(3).mean(2),
    "sum": lambda x: x.sum((2, 3)),
    "max": lambda x: torch.amax(x, (2, 3)),
    "adaptive-max": lambda x: nn.functional.adaptive_max_pool2d(x, 1).flatten(1),
}


class ChannelsLast(nn.Module):
    """Takes height × width × 3, as bytes of a picture file lie."""

    def __init__(self):
        super().__init__()
        self.inner = convolutional(lambda shape: Square(), 3)

    def forward(self, x):
        return self.inner(x.permute(0, 3, 1, 2))


ENDINGS = {
    "softmax": nn.Softmax(1),
    "log-softmax": nn.LogSoftmax(1),
    "softmax-flatten": nn.Sequential(nn.Softmax(1), nn.Flatten()),
    "sigmoid": nn.Sigmoid(),
}


def export(model, name, shape):
    torch.onnx.export(
        model.eval(),
        torch.zeros(1, *shape),
        os.path.join(HERE, f"{name}.onnx"),
        opset_version=13,
        input_names=["picture"],
        output_names=["logits"],
        dynamic_axes={"picture": {0: "n"}, "logits": {0: "n"}},
    )


torch.manual_seed(9)
GRAY = (1, SIDE, SIDE)
for name, form in QUADRATICS.items():
    export(convolutional(lambda shape: Quadratic(form, shape)), f"quadratic-{name}", GRAY)
for name, reduce in REDUCTIONS.items():
    export(Spatial(reduce), f"space-{name}", GRAY)
export(ChannelsLast(), "channels-last", (SIDE, SIDE, 3))
for name, ending in ENDINGS.items():
    relu = convolutional(lambda shape: nn.ReLU())
    export(nn.Sequential(relu, ending), f"ending-{name}", GRAY)
