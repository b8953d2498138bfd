"""The literature's designs, as yardsticks: same inputs, same residual output, no biases and no normalisation, so that they differ
from FFDR in architecture alone. All take [n, 2, h, w] (h, w multiples of 8) and give [n, 1, h, w]."""

import torch
from torch import nn
from torch.nn import functional


def _conv(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, stride, (size - 1) // 2, bias=False)


class Residual(nn.Module):
    """Subtracts what `noise` makes of the input; begins near the identity."""

    def __init__(self, noise: nn.Module, last: nn.Module) -> None:
        super().__init__()
        self.noise = noise
        with torch.no_grad():
            last.weight *= 0.1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :1] - self.noise(x)


class _RedCnn(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.down = nn.ModuleList(_conv(2 if i == 0 else width, width, 5) for i in range(5))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(width, 1 if i == 4 else width, 5, padding=2, bias=False) for i in range(5)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden, kept = x, []
        for i, layer in enumerate(self.down):
            if i in (2, 4):
                kept.append(hidden)
            hidden = functional.relu(layer(hidden))
        for i, layer in enumerate(self.up):
            hidden = layer(hidden)
            if i in (0, 2):
                hidden = hidden + kept.pop()
            hidden = functional.relu(hidden) if i < 4 else hidden
        return hidden


def red_cnn(width: int = 96) -> nn.Module:
    """RED-CNN (Chen 2017): five 5x5 convolutions and five transposed ones of 96 channels at full resolution."""
    noise = _RedCnn(width)
    return Residual(noise, noise.up[-1])


def dncnn(width: int = 64) -> nn.Module:
    """DnCNN (Zhang 2017): 17 convolutions of 64 channels at full resolution."""
    layers: list[nn.Module] = [_conv(2, width), nn.ReLU()]
    for _ in range(15):
        layers += [_conv(width, width), nn.ReLU()]
    layers.append(_conv(width, 1))
    return Residual(nn.Sequential(*layers), layers[-1])


def srcnn(width: int = 64) -> nn.Module:
    """SRCNN (Dong 2014), 9-5-5 with 64 and 32 channels, here as a denoiser."""
    last = _conv(width // 2, 1, 5)
    layers = [_conv(2, width, 9), nn.ReLU(), _conv(width, width // 2, 5), nn.ReLU(), last]
    return Residual(nn.Sequential(*layers), last)


class _Block(nn.Module):
    def __init__(self, width: int, activation: nn.Module) -> None:
        super().__init__()
        self.steps = nn.Sequential(_conv(width, width), activation, _conv(width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.steps(x)


class _Trunk(nn.Module):
    """Residual blocks at full resolution between two convolutions, one sum around them all."""

    def __init__(self, head: nn.Module, blocks: list[nn.Module], width: int) -> None:
        super().__init__()
        self.head, self.blocks, self.tail = head, nn.Sequential(*blocks, _conv(width, width)), _conv(width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.head(x)
        return self.tail(hidden + self.blocks(hidden))


def edsr(width: int = 64) -> nn.Module:
    """EDSR baseline (Lim 2017): 16 residual blocks of 64 channels, here without up-sampling."""
    noise = _Trunk(_conv(2, width), [_Block(width, nn.ReLU()) for _ in range(16)], width)
    return Residual(noise, noise.tail)


def srresnet(width: int = 64) -> nn.Module:
    """Generator of SRGAN (Ledig 2017) without up-sampling: 9x9 head, 16 blocks with PReLU of 64 channels."""
    head = nn.Sequential(_conv(2, width, 9), nn.PReLU())
    noise = _Trunk(head, [_Block(width, nn.PReLU()) for _ in range(16)], width)
    return Residual(noise, noise.tail)


class _UNet(nn.Module):
    """Three levels below the input's resolution, sums instead of concatenations."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width]
        self.head = nn.Conv2d(2, width, 6, 2, 2, bias=False)
        self.down = nn.ModuleList(self._level(w) for w in widths)
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 2, 2, bias=False) for a, b in zip(widths, widths[1:]))
        self.grow = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2, bias=False) for a, b in zip(widths, widths[1:]))
        self.up = nn.ModuleList(self._level(w) for w in widths[:-1])
        self.tail = _conv(width, 4)

    @staticmethod
    def _level(width: int) -> nn.Module:
        return nn.Sequential(_conv(width, width), nn.ReLU(), _conv(width, width), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden, kept = functional.relu(self.head(x)), []
        for level, shrink in zip(self.down, self.shrink):
            hidden = level(hidden)
            kept.append(hidden)
            hidden = functional.relu(shrink(hidden))
        hidden = self.down[-1](hidden)
        for level, grow, skip in zip(reversed(self.up), reversed(self.grow), reversed(kept)):
            hidden = level(functional.relu(grow(hidden) + skip))
        return functional.pixel_shuffle(self.tail(hidden), 2)


def unet(width: int = 32) -> nn.Module:
    """Small U-Net that begins at half resolution: 32, 64 and 128 channels."""
    noise = _UNet(width)
    return Residual(noise, noise.tail)
