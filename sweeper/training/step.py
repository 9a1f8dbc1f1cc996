"""Makes one step of training: forward, backward, clipping, update; in pieces where memory is short."""

import logging
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from sweeper.data.pieces import free, smaller
from sweeper.errors import is_out_of_memory
from sweeper.training.device import CudaGraphs, Graph, Graphs, autocast
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
        loss = self._gradients(images, labels)
        self.update()
        return loss

    def update(self) -> None:
        """Move the weights along the gradients that lie at them."""
        if self.clip_norm is not None:
            self._with_room(self._unscale)
            self._with_room(self._clip)
        self._with_room(self._move)

    def once(self, images: Tensor, labels: Tensor) -> Tensor:
        """Make one update from the whole batch, with no way out of short memory: what a graph records."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._accumulate(images, labels)
        if self.clip_norm is not None:
            self._unscale()
            self._clip()
        self._move()
        return loss

    @property
    def reads_nothing(self) -> bool:
        """Whether a step decides nothing on the host: an unfused optimizer asks there if fp16 overflowed."""
        return not self.scaler.is_enabled() or getattr(self.optimizer, "_step_supports_amp_scaling", False)

    def forget(self) -> None:
        """Let go of a step that was given up on the way: its gradients, and what the scaler knows of them."""
        self.optimizer.zero_grad(set_to_none=True)
        self._forget_scale()
        if self.scaler.is_enabled():
            self.scaler.update(self.scaler.get_scale())

    def _gradients(self, images: Tensor, labels: Tensor) -> Tensor:
        while True:
            self.optimizer.zero_grad(set_to_none=True)
            try:
                return self._accumulate(images, labels)
            except (RuntimeError, MemoryError) as error:
                self.piece = smaller(self.piece or len(images), error)
            self.optimizer.zero_grad(set_to_none=True)
            free(self.device)

    def _with_room(self, part: Callable[[], None]) -> None:
        """Do a part of the update; where memory is short, once more in what the device can give back.

        The gradients stay: to compute them anew would unscale them and move BatchNorm's statistics twice.
        """
        try:
            return part()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            _log.warning("out of memory in an update: it is tried once more in memory that is given back")
        self._forget_scale()
        free(self.device)
        return part()

    def _unscale(self) -> None:
        self.scaler.unscale_(self.optimizer)

    def _clip(self) -> None:
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.module.parameters(), self.clip_norm)

    def _move(self) -> None:
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def _forget_scale(self) -> None:
        """Undo what the scaler hangs on the optimizer for a step that failed: the next would square it."""
        for name in ("grad_scale", "found_inf"):
            vars(self.optimizer).pop(name, None)

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
    fails, or a batch has another shape, the plain step is taken, and every generator draws on as if nothing
    had been tried. When some batches in a row have another shape, as where images grow, it is captured anew.
    """

    def __init__(
        self, step: Stepper, generators: Sequence[torch.Generator], graphs: Graphs | None = None
    ) -> None:
        self._step = step
        self._generators = generators
        self._graphs = graphs or CudaGraphs(step.device)
        self._warmed = 0
        self._others = 0
        self._is_refused = not step.reads_nothing
        self._graph: Graph | None = None

    @property
    def is_replaying(self) -> bool:
        """Whether a graph was captured."""
        return self._graph is not None

    @property
    def plain(self) -> Stepper:
        """The step that is recorded. The graph is given up, for whoever asks may move the weights."""
        self._is_refused, self._graph = True, None
        return self._step

    @property
    def scaler(self) -> torch.GradScaler:
        """That of the plain step."""
        return self._step.scaler

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        """Make one update; the next one overwrites the loss."""
        if self._is_refused or self._step.piece is not None:
            return self._step(images, labels)
        if self._warmed < _WARM_UP_STEPS:
            self._warmed += 1
            with self._graphs.aside():
                return self._step(images, labels)
        if self._graph is None:
            self._graph = self._capture(images, labels)
        if self._graph is None:
            return self._step(images, labels)
        if images.shape != self._images.shape or labels.shape != self._labels.shape:
            return self._other(images, labels)
        self._others = 0
        self._images.copy_(images)
        self._labels.copy_(labels)
        self._graph.replay()
        return self._loss

    def _other(self, images: Tensor, labels: Tensor) -> Tensor:
        """Take the plain step; after so many in a row the graph is given up for one of that shape."""
        self._others += 1
        if self._others == _WARM_UP_STEPS and self._graph is not None:
            self._graph.reset()
            self._graph, self._others = None, 0
        with self._graphs.aside():
            return self._step(images, labels)

    def _capture(self, images: Tensor, labels: Tensor) -> Graph | None:
        graph = self._graphs.new()
        generators = [*self._generators, *self._graphs.default_generators()]
        before = [generator.clone_state() for generator in generators]
        self._images, self._labels = images.clone(), labels.clone()
        try:
            for generator in self._generators:
                graph.register_generator_state(generator)
            with self._graphs.recording(graph):
                self._loss = self._step.once(self._images, self._labels)
        except (RuntimeError, MemoryError) as error:
            reason = str(error).partition("\n")[0]
            _log.warning(
                "no CUDA graph of the training step (%s): each kernel is launched on its own", reason
            )
        else:
            return graph
        self._is_refused = True
        graph.reset()
        for generator, state in zip(generators, before, strict=True):
            generator.graphsafe_set_state(state)  # its old state still believes that it is being recorded
        self._step.forget()
        free(self._step.device)
        return None
