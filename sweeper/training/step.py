"""Makes one step of training: forward, backward, clipping, update; in pieces where memory is short."""

import logging
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from sweeper.training.device import autocast, free, smaller
from sweeper.training.optim import Loss, loss_normalizer

Update = Callable[[Tensor, Tensor], Tensor]

_WARM_UP_STEPS = 3  # on a side stream before capture, as torch's documentation asks
_log = logging.getLogger(__name__)


class Stepper:
    """Updates the weights from one batch and gives the batch's mean loss, still on the device.

    Out of memory halves the piece that is computed at once; the pieces' gradients add up to those of
    the whole batch, except that BatchNorm then sees the statistics of a piece.
    """

    def __init__(
        self,
        module: nn.Module,
        optimizer: torch.optim.Optimizer,
        loss: Loss,
        *,
        device: torch.device,
        dtype: torch.dtype,
        weights: Tensor | None = None,
        clip_norm: float | None = None,
    ) -> None:
        self.module = module
        self.optimizer = optimizer
        self.loss = loss
        self.device = device
        self.dtype = dtype
        self.weights = weights
        self.clip_norm = clip_norm
        self.scaler = torch.GradScaler(device.type, enabled=dtype == torch.float16)
        self.piece: int | None = None  # images at once; None is the whole batch

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        """Make one update; MemoryError where not even one image fits."""
        while True:
            try:
                return self._update(images, labels)
            except (RuntimeError, MemoryError) as error:
                self.piece = smaller(self.piece or len(images), error)
            self.optimizer.zero_grad(set_to_none=True)
            free(self.device)

    def _update(self, images: Tensor, labels: Tensor) -> Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._accumulate(images, labels)
        if self.clip_norm is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.module.parameters(), self.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss

    def _accumulate(self, images: Tensor, labels: Tensor) -> Tensor:
        normalizer = loss_normalizer(labels, self.weights)
        piece = self.piece or len(images)
        total = torch.zeros((), device=self.device)
        for part, answers in zip(images.split(piece), labels.split(piece), strict=True):
            with autocast(self.device, self.dtype):
                logits = self.module(part)
            loss = self.loss(logits, answers) / normalizer
            self.scaler.scale(loss).backward()
            total += loss.detach()
        return total


class GraphedStepper:
    """Replays a CUDA graph of the whole step, which spares a small network most of its launch time.

    The first batches run without it (they are real updates); then one is captured. Where capturing
    fails, or a batch has another shape, the plain step is taken.
    """

    def __init__(self, step: Stepper, generators: Sequence[torch.Generator]) -> None:
        self._step = step
        self._generators = generators
        self._warmed = 0
        self._is_refused = step.dtype == torch.float16  # the scaler decides on the host
        self._graph: torch.cuda.CUDAGraph | None = None

    @property
    def is_replaying(self) -> bool:
        """Whether a graph was captured."""
        return self._graph is not None

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        """Make one update; the next one overwrites the loss."""
        if self._is_refused or self._step.piece is not None:
            return self._step(images, labels)
        if self._warmed < _WARM_UP_STEPS:
            self._warmed += 1
            return self._on_side_stream(images, labels)
        if self._graph is None:
            self._graph = self._capture(images, labels)
        if self._graph is None or images.shape != self._images.shape or labels.shape != self._labels.shape:
            return self._step(images, labels)
        self._images.copy_(images)
        self._labels.copy_(labels)
        self._graph.replay()
        return self._loss

    def _on_side_stream(self, images: Tensor, labels: Tensor) -> Tensor:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            loss = self._step(images, labels)
        torch.cuda.current_stream().wait_stream(stream)
        return loss

    def _capture(self, images: Tensor, labels: Tensor) -> torch.cuda.CUDAGraph | None:
        graph = torch.cuda.CUDAGraph()
        self._images, self._labels = images.clone(), labels.clone()
        try:
            for generator in self._generators:
                graph.register_generator_state(generator)
            with torch.cuda.graph(graph):
                self._loss = self._step(self._images, self._labels)
        except RuntimeError as error:
            _log.warning("no CUDA graph of the training step (%s): each kernel is launched on its own", error)
            self._is_refused = True
            self._step.optimizer.zero_grad(set_to_none=True)
            return None
        return graph
