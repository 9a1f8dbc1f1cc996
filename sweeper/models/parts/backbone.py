"""Makes any classification network of torchvision (or timm) a backbone that gives one vector an image."""

import functools
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.ops import StochasticDepth

from sweeper.errors import MissingExtraError, PreflightError, SpecError
from sweeper.models.parts.image_size import positions_for, size_options
from sweeper.models.parts.random_layers import Dropout, DropPath
from sweeper.models.parts.shape_pass import shape_pass
from sweeper.models.parts.state_dicts import choose
from sweeper.models.parts.weights_file import load_checked, read_weights, wanted_tensors
from sweeper.registry import nearest

_timm: ModuleType | None
try:
    import timm as _timm
except ImportError:
    _timm = None

_SECONDS = 20.0  # until a server that says nothing counts as out of reach
_HEADS = ("classifier", "fc", "head", "heads")
_LISTS_OF_BLOCKS = ("features", "layers", "blocks", "trunk_output", "encoder")
_NORMS = (nn.BatchNorm2d, nn.LayerNorm)
_LARGE = 224  # px that every backbone of torchvision and timm can be built for
TOO_SMALL = (RuntimeError, ValueError, AssertionError, IndexError, ZeroDivisionError)
"""What networks raise for images of which a pool or a convolution leaves nothing."""


def backbone(name: str, weights: str, pixels: int) -> nn.Module:
    """Build the network with global pooling for its head; load weights where some are asked for.

    A network with a position for each patch is built for images of `pixels`. Its `notes` say what was done
    to the weights.
    """
    is_timm = name.startswith("timm/")
    build = _timm_backbone if is_timm else _torchvision_backbone
    module, known = build(name, weights, pixels)
    notes: list[str] = []
    if weights != "none" and not getattr(module, "is_loaded", False):
        path = _imagenet_file(name) if weights == "imagenet" else _local_file(weights)
        chosen, taken = choose(read_weights(path), set(wanted_tensors(module)), where=str(path))
        tensors, fitted = positions_for(module, chosen, pixels)
        notes = [each for each in (taken, fitted and f"{path}: {fitted}") if each]
        load_checked(module, tensors, known=known, where=str(path))
        module.is_loaded = True  # pyright: ignore[reportArgumentType]
        module.weights_path = str(path)  # pyright: ignore[reportArgumentType]
    module.notes = tuple(notes)  # pyright: ignore[reportArgumentType]
    _own_the_randomness(module)
    return module


def _imagenet_file(backbone: str) -> Path:
    """Return the file of torchvision's best ImageNet weights, fetched if need be.

    PreflightError names the file to place, on a machine that has neither cache nor internet.
    """
    weights = models.get_model_weights(backbone)["DEFAULT"]
    path = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rpartition("/")[2]
    if not path.is_file():
        try:
            urlopen(weights.url, timeout=_SECONDS).close()  # torch announces a download that cannot be
            weights.get_state_dict(check_hash=True)
        except (URLError, OSError) as error:
            raise PreflightError(
                f"the ImageNet weights of {backbone} are not on this machine and cannot be fetched ({error})",
                hint=f"place {weights.url} at {path}, or name a file in `weights`",
            ) from error
    return path


def _local_file(weights: str) -> Path:
    """Return the file that the sweep file names; PreflightError where it is absent."""
    path = Path(weights).expanduser()
    if not path.is_file():
        raise PreflightError(
            f"weights: there is no file {path}",
            hint="place it there, or write imagenet, none or another path",
        )
    return path


def _torchvision_backbone(name: str, weights: str, pixels: int) -> tuple[nn.Module, set[str]]:
    names = models.list_models(module=models)
    if name not in names:
        raise SpecError(f"backbone: torchvision has no {name!r}", hint=nearest(name, names))
    options: dict[str, Any] = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    options |= size_options(name, pixels)
    target = torch.get_default_device()
    # drawing weights that a file replaces takes a second for VGG; regnet computes its widths with tensors
    is_filled_later = weights != "none" and not name.startswith("regnet")
    with torch.device("cpu" if name.startswith("regnet") else "meta" if is_filled_later else target):
        module = models.get_model(name, weights=None, **options)
    known = set(module.state_dict())
    _strip_head(module)
    if is_filled_later and target.type != "meta":
        return _allocate(module, target), known
    return module.to(target), known


def _allocate(module: nn.Module, device: torch.device) -> nn.Module:
    """Allocate every tensor that the file will fill; BatchNorm's counters, which it may lack, are 0."""
    module = module.to_empty(device=device)
    for name, buffer in module.named_buffers():
        if name.endswith("num_batches_tracked"):
            buffer.zero_()
    return module


def _strip_head(module: nn.Module) -> None:
    """Remove everything from the first dense layer of the head on; make the pooling global."""
    name = next(child for child in _HEADS if hasattr(module, child))
    head = getattr(module, name)
    kept: list[nn.Module] = []
    if not any(
        isinstance(part, nn.Linear) for part in head.modules()
    ):  # SqueezeNet classifies with a convolution
        kept = [nn.AdaptiveAvgPool2d(1)]
    elif isinstance(head, nn.Sequential):
        for part in head:
            if isinstance(part, nn.Linear):
                break
            if not isinstance(part, nn.Dropout):
                kept.append(part)
    setattr(module, name, nn.Sequential(*kept))
    if isinstance(getattr(module, "avgpool", None), nn.AdaptiveAvgPool2d):
        module.avgpool = nn.AdaptiveAvgPool2d(1)
    for auxiliary in ("AuxLogits", "aux1", "aux2"):
        if hasattr(module, auxiliary):
            setattr(module, auxiliary, None)
            module.aux_logits = False  # pyright: ignore[reportArgumentType]


def _timm_backbone(name: str, weights: str, pixels: int) -> tuple[nn.Module, set[str]]:
    if _timm is None:
        raise MissingExtraError(f"{name} needs the package timm", hint="pip install timm")
    short = name.removeprefix("timm/")
    if short not in _timm.list_models():
        raise SpecError(f"backbone: timm has no {short!r}", hint=nearest(short, _timm.list_models()))
    known = set(_timm.create_model(short, pretrained=False).state_dict())
    size = {"img_size": pixels} if _timm.get_pretrained_cfg(short).fixed_input_size else {}
    try:
        module = _timm.create_model(short, pretrained=weights == "imagenet", num_classes=0, **size)
    except TypeError as error:  # some are of one size, and take no other
        raise SpecError(f"backbone: {name} is of one image size, not of {pixels} px") from error
    module.is_loaded = weights == "imagenet"
    return module, known


def _own_the_randomness(module: nn.Module) -> None:
    for name, part in list(module.named_children()):
        if isinstance(part, nn.Dropout) and part.p:  # timm reads `p` of those that drop nothing
            setattr(module, name, Dropout(part.p))
        elif isinstance(part, StochasticDepth) and part.mode == "row":
            setattr(module, name, DropPath(part.p))
        else:
            _own_the_randomness(part)


def stages(module: nn.Module) -> list[list[nn.Module]]:
    """Return the backbone's parts from the image on, in the pieces that `freeze` counts.

    Networks like VGG end a stage with each pool; elsewhere each block of the longest list is a stage, and
    a normalization belongs to the part before it.
    """
    features = getattr(module, "features", None)
    if isinstance(features, nn.Sequential) and not any(any(part.children()) for part in features):
        return _between_pools(features)
    groups: list[list[nn.Module]] = []
    for part in _blocks(module):
        if not _has_weights(part):
            continue
        if isinstance(part, _NORMS) and groups:
            groups[-1].append(part)
        else:
            groups.append([part])
    return groups


def _between_pools(features: nn.Sequential) -> list[list[nn.Module]]:
    groups: list[list[nn.Module]] = [[]]
    for part in features:
        groups[-1].append(part)
        if isinstance(part, nn.MaxPool2d):
            groups.append([])
    return [stage for stage in groups if any(_has_weights(part) for part in stage)]


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    for name, child in module.named_children():
        if name in _LISTS_OF_BLOCKS:
            yield from _blocks(child)
        else:
            yield child


def _has_weights(part: nn.Module) -> bool:
    return any(True for _ in part.parameters())


def width(module: nn.Module, pixels: int) -> int:
    """Count the values in the vector of one image, by passing one through."""
    device = next(module.parameters()).device
    before = module.training
    with torch.no_grad():
        vector: Tensor = module.eval()(torch.zeros(1, 3, pixels, pixels, device=device))
    module.train(before)
    return vector.flatten(1).shape[1]


@functools.lru_cache(maxsize=64)
def least_pixels(name: str) -> int:
    """Find the smallest images that the backbone gives a vector for, by trying; no weights are read."""
    with torch.device("meta"):
        module = backbone(name, "none", _LARGE).eval()
    low, high = 0, 1
    while not _takes(module, high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _takes(module, middle) else (middle, high)
    return high


def _takes(module: nn.Module, pixels: int) -> bool:
    try:
        shape_pass(lambda forward, images: forward(images), module, (3, pixels, pixels))
    except TOO_SMALL:
        return pixels >= _LARGE  # as large as it was built for: the reason is another one
    return True
