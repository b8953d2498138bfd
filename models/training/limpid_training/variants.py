"""FFDR with one thing changed, for the table of experiments. Inputs and output as `network.Ffdr`."""

import torch
from torch import nn
from torch.nn import functional

from limpid_training.compress import QuantisedConv
from limpid_training.network import FULL, Ffdr


class Pooled(Ffdr):
    """Two of the residual pairs work at a quarter of the resolution: reach of 42 pixels grows to about 100 for the same
    arithmetic or less, for streaks."""

    def __init__(self, width: int = FULL[0]) -> None:
        super().__init__(width, 12)
        self.shrink = nn.Conv2d(width, width, 2, stride=2, bias=False)
        self.grow = nn.Conv2d(width, 4 * width, 1, bias=False)

    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        hidden = functional.relu(self.head(x))
        pairs = list(zip(self.body[0::2], self.body[1::2]))
        for first, second in pairs[:2]:
            hidden = hidden + second(functional.relu(first(hidden)))
        deep = functional.relu(self.shrink(hidden))
        for first, second in pairs[2:4]:
            deep = deep + second(functional.relu(first(deep)))
        hidden = hidden + functional.pixel_shuffle(self.grow(deep), 2)
        for first, second in pairs[4:]:
            hidden = hidden + second(functional.relu(first(hidden)))
        return hidden


class _Excitation(nn.Module):
    """Squeeze and excitation: a gain for each channel from the relative means of all. Means of channels are divided by their
    sum, so that the gains do not depend on the scale of the image."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Linear(width, width // 4), nn.Linear(width // 4, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        means = x.abs().mean((2, 3))
        shares = means * means.shape[1] / (means.sum(1, keepdim=True) + 1e-6)
        gains = 2 * torch.sigmoid(self.excite(functional.relu(self.squeeze(shares))))
        return x * gains[:, :, None, None]


class Excited(Ffdr):
    """A squeeze-and-excitation gate after each pair."""

    def __init__(self, width: int = FULL[0]) -> None:
        super().__init__(width)
        self.gates = nn.ModuleList(_Excitation(width) for _ in self.body[0::2])

    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        hidden = functional.relu(self.head(x))
        for first, second, gate in zip(self.body[0::2], self.body[1::2], self.gates):
            hidden = hidden + gate(second(functional.relu(first(hidden))))
        return hidden


class ChannelAttention(nn.Module):
    """Transposed self-attention (Restormer): channels attend to channels over all pixels, linear in their number."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.make = nn.Conv2d(width, 3 * width, 1, bias=False)
        self.mix = nn.Conv2d(3 * width, 3 * width, 3, padding=1, groups=3 * width, bias=False)
        self.out = nn.Conv2d(width, width, 1, bias=False)
        self.sharpness = nn.Parameter(torch.ones(heads, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, width, rows, columns = x.shape
        query, key, value = self.mix(self.make(x)).reshape(n, 3, self.heads, width // self.heads, -1).unbind(1)
        # Unit length along the pixels: the weights do not depend on the scale of the image.
        weights = functional.normalize(query, dim=-1) @ functional.normalize(key, dim=-1).transpose(-1, -2)
        mixed = torch.softmax(weights * self.sharpness, dim=-1) @ value
        return self.out(mixed.reshape(n, width, rows, columns))


class Attending(Ffdr):
    """Depth 8 with two transformer blocks in the middle: the arithmetic of the plain depth of 10."""

    def __init__(self, width: int = FULL[0]) -> None:
        super().__init__(width, 8)
        self.attention = nn.ModuleList(ChannelAttention(width) for _ in range(2))

    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        hidden = functional.relu(self.head(x))
        for i, (first, second) in enumerate(zip(self.body[0::2], self.body[1::2])):
            if i > 0:
                hidden = hidden + self.attention[i - 1](hidden)
            hidden = hidden + second(functional.relu(first(hidden)))
        return hidden


def gflop(network: nn.Module, inputs: int = 2, side: int = 512) -> float:
    """Arithmetic (2 per multiply-add) of convolutions, linear layers and attention for one side x side slice, 1e9."""
    total = 0

    def convolution(layer, _, output) -> None:
        nonlocal total
        if isinstance(layer, QuantisedConv):
            layer = layer.layer
        kernel = layer.weight[0].numel() if isinstance(layer, nn.Conv2d) else layer.weight[:, 0].numel()
        places = output.numel() if isinstance(layer, nn.Conv2d) else output.numel() / layer.stride[0] ** 2
        total += 2 * places * kernel

    def attention(layer, arguments, _) -> None:
        nonlocal total
        n, width, rows, columns = arguments[0].shape
        total += 2 * 2 * n * rows * columns * width * width // layer.heads

    hooks = []
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, QuantisedConv)):
            hooks.append(layer.register_forward_hook(convolution))
        elif isinstance(layer, ChannelAttention):
            hooks.append(layer.register_forward_hook(attention))
    small = 64
    with torch.no_grad():
        network(torch.zeros(1, inputs, small, small, device=next(network.parameters()).device))
    for hook in hooks:
        hook.remove()
    return total * (side / small) ** 2 / 1e9
