"""Nets of `transformers` with named tensors for arguments and a tuple of tensors for an answer."""

from torch import Tensor, nn


class _Plain(nn.Module):
    def __init__(self, net: nn.Module, *answers: str) -> None:
        super().__init__()
        self.net = net
        self.answers = answers
        self.eval()

    def answer(self, **given: Tensor) -> tuple[Tensor, ...]:
        found = self.net(**given)
        return tuple(found[name] for name in self.answers)


class OfPixels(_Plain):
    """A net that takes images."""

    def forward(self, pixel_values: Tensor) -> tuple[Tensor, ...]:
        """Compute the answers."""
        return self.answer(pixel_values=pixel_values)


class OfText(_Plain):
    """A net that takes token ids and a mask."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        """Compute the answers."""
        return self.answer(input_ids=input_ids, attention_mask=attention_mask)


class OfSound(_Plain):
    """A net that takes spectrograms."""

    def forward(self, input_features: Tensor) -> tuple[Tensor, ...]:
        """Compute the answers."""
        return self.answer(input_features=input_features)
