"""Layers that cost an encrypted network one level each, and networks of them."""
import re
import torch
from torch import nn

LIMIT = 2.5  # What is squared shall lie within ±LIMIT: encryption has so many bits for all values of a layer, outliers included.


class TrainedSquare(torch.autograd.Function):
    """x², or clamp(x)² to begin with. Its gradient passes the clamp, and pulls what is outside of the limit back: that of pull · Σ (x − clamp(x))²."""

    @staticmethod
    def forward(context, x, clamped, pull):
        context.save_for_backward(x)
        context.clamped, context.pull = clamped, pull / len(x)
        return x.clamp(-LIMIT, LIMIT).square_() if clamped else x * x

    @staticmethod
    def backward(context, gradient):
        (x,) = context.saved_tensors
        inside = x.clamp(-LIMIT, LIMIT)
        back = (gradient * (inside if context.clamped else x)).add_(x - inside, alpha=context.pull)
        return back.mul_(2), None, None


class Square(nn.Module):
    """x². After a batch normalisation γ·x̂ + β it is a quadratic of its own for each channel, γ²·x̂² + 2γβ·x̂ + β²; the next layer sees to sign and size."""

    def __init__(self):
        super().__init__()
        self.clamped, self.pull = False, 0.0  # while training; a trained network clamps nothing

    def forward(self, x):
        return TrainedSquare.apply(x, self.clamped, self.pull) if self.training else x * x


def convolution(before, maps, kernel, stride, activation):
    norm = nn.BatchNorm2d(maps)
    if activation is Square:  # Begin at x̂²/4 + x̂/2, close to SiLU: bare squares learn worse (arXiv 2011.05530).
        nn.init.constant_(norm.weight, 0.5)
        nn.init.constant_(norm.bias, 0.5)
    return nn.Sequential(nn.Conv2d(before, maps, kernel, stride, (kernel - 1) // 2, bias=False), norm)


class Residual(nn.Module):
    """Two convolutions of 3×3 with a way around them. Where the sum has no activation the way around stays linear through all blocks: a level less each, and nothing on it is squared again and again."""

    def __init__(self, before, maps, stride, activation, after):
        super().__init__()
        self.first, self.second = convolution(before, maps, 3, stride, activation), convolution(maps, maps, 3, 1, activation if after else None)
        self.around = nn.Identity() if before == maps and stride == 1 else convolution(before, maps, 1, stride, None)
        self.activation, self.after = activation(), activation() if after else nn.Identity()

    def forward(self, x):
        return self.after(self.second(self.activation(self.first(x))) + self.around(x))


class Normalise(nn.Module):
    """Bytes / 255, as a gateway gives them, to mean 0 and deviation 1. The compiler folds it into the first convolution."""

    def __init__(self, mean, deviation):
        super().__init__()
        self.register_buffer("factor", (1 / deviation).view(1, -1, 1, 1))
        self.register_buffer("shift", (-mean / deviation).view(1, -1, 1, 1))

    def forward(self, x):
        return x * self.factor + self.shift


def build(layers, activation, classes, mean, deviation):
    """`layers` is a word a layer, "32k4s2 64 r64s2": maps, k kernel (else 3), s stride (else 1); r makes a residual block of two layers, p one without an activation after its sum, l a layer without an activation."""
    parts, maps, activation = [Normalise(mean, deviation)], len(mean), {"quadratic": Square, "relu": nn.ReLU}[activation]
    for word in layers.split():
        match = re.fullmatch(r"([rpl]?)([1-9]\d*)(?:k([1-9]))?(?:s([1-9]))?", word)
        if not match: raise SystemExit(f'--layers: "{word}" is no layer; write 64, 64k4, 64s2, r64s2 or p64s2')
        before, maps, kernel, stride = maps, int(match[2]), int(match[3] or 3), int(match[4] or 1)
        if match[1] == "l": parts.append(convolution(before, maps, kernel, stride, None))
        elif match[1]: parts.append(Residual(before, maps, stride, activation, match[1] == "r"))
        else: parts += [convolution(before, maps, kernel, stride, activation), activation()]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(maps, classes)).to(memory_format=torch.channels_last)
