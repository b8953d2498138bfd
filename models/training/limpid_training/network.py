"""The networks of limpid: FFDR in two sizes."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

UNIT = 1000.0
"""Image values (HU, delivered MR units, grey values) of one network unit."""

FULL = (48, 10)
SMALL = (32, 8)
CINE = (32, 6)
"""Width and depth: CT and MR; their fast variants; ultrasound, which has to keep up with a cine."""


class Ffdr(nn.Module):
    """Denoiser at half resolution: [n, inputs, h, w] (image, noise deviation; both / UNIT; h, w even) to [n, 1, h, w].

    The first convolution, 6x6 of stride 2, equals a pixel unshuffle and a 3x3 convolution, without the transposition that an
    inference engine would have to do. There are no biases, so scaling the image and its noise scales the result: one network
    serves HU, MR counts and any gain. The network predicts the noise and subtracts it. Further inputs (neighbouring slices)
    follow the noise map. `inner`: channels between the two convolutions of each pair, else `width`.
    """

    def __init__(
        self, width: int = FULL[0], depth: int = FULL[1], inputs: int = 2, inner: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        self.head = nn.Conv2d(inputs, width, 6, stride=2, padding=2, bias=False)
        sizes = [size for between in inner or [width] * (depth // 2 - 1) for size in ((width, between), (between, width))]
        self.body = nn.ModuleList(nn.Conv2d(*size, 3, padding=1, bias=False) for size in sizes)
        self.tail = nn.Conv2d(width, 4, 3, padding=1, bias=False)
        with torch.no_grad():
            self.tail.weight *= 0.1  # begins near the identity

    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        hidden = functional.relu(self.head(x))
        for first, second in zip(self.body[0::2], self.body[1::2]):
            hidden = hidden + second(functional.relu(first(hidden)))
        return hidden

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        noise = functional.pixel_shuffle(self.tail(functional.relu(self.hidden(x))), 2)
        return x[:, :1] - noise


def parameter_count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def widened(network: Ffdr, inputs: int) -> Ffdr:
    """The network with neighbouring slices as further inputs. Each channel gives a share of what it takes from the slice, drawn from -0.5
    to 0.5, to every neighbour, so that what all slices show passes as before; from shares of 0 it learns to look at them more slowly."""
    weights = dict(network.state_dict())
    head = weights["head.weight"]
    slice_weights, further = head[:, :1], inputs - head.shape[1]
    shares = torch.rand(len(head), 1, 1, 1, generator=torch.Generator().manual_seed(3)) - 0.5
    own = (1 - further * shares) * slice_weights
    weights["head.weight"] = torch.cat([own, head[:, 1:], *[shares * slice_weights] * further], dim=1)
    return network_of(weights)


def network_of(weights: dict[str, torch.Tensor]) -> Ffdr:
    """The FFDR whose weights these are."""
    width, inputs = weights["head.weight"].shape[:2]
    depth = 2 + sum(name.startswith("body.") for name in weights)
    inner = [len(weights[f"body.{layer}.weight"]) for layer in range(0, depth - 2, 2)]
    network = Ffdr(width, depth, inputs, inner)
    network.load_state_dict(weights)
    return network
