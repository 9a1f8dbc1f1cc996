"""This module writes a starter sweep file, which is right as it stands."""

import json
from pathlib import Path

import sweeper.config.json_schema
from sweeper.config.sections import safe_name

_SCHEMA = Path(sweeper.config.json_schema.__file__).with_name("schema_v1.json")
_STARTER = """\
# yaml-language-server: $schema={schema}
# One sweep: edit it, then
#   sweeper validate {file}     is it right?
#   sweeper plan {file}         what will it try, and what will that cost?
#   sweeper launch {file}       run it
# Every key is explained in docs/sweep-file.md.
name: {name}

dataset:
  source: {source}
{root}  split: {{train: 0.7, valid: 0.2, test: 0.1, seed: 42}}

# What is searched. A list is a choice; min and max are a range, of whole numbers where both are.
parameters:
  pixels:        [{pixels}]
  layers:        {{min: {least}, max: {most}}}
  filters:       {{values: [16, 32, 64], per: layers}}       # one number for each layer
  dropout:       {{min: 0.0, max: 0.4, q: 0.1}}
  augmentation:  [{augmentations}]
  learning_rate: {{distribution: log_uniform_values, min: 1e-2, max: 6e-2}}

recipe:    fast                                           # sets the rest: `sweeper plan` prints it
train:     {{epochs: {epochs}, batch_size: 64}}
objective: {{metric: {metric}}}
search:    {{algorithm: tpe, start: portfolio, seed: 7}}     # known good ones first
scheduler: {{type: asha, grace: 2, reduction_factor: 3}}     # stops the losers early
budget:    {{trials: 24}}                                   # also: gpu_hours, usd, wall_hours
resources: {{gpu: 0.5, cpu: 1}}                              # what one trial holds
"""


def starter_text(file: Path, root: Path | None, source: str, metric: str) -> str:
    """The text of a sweep file at that path: images in `root`, the source that reads them, what is best."""
    is_small = source == "digits"
    return _STARTER.format(
        schema=_SCHEMA,
        file=file,
        name=safe_name(file.stem),
        source=source,
        # JSON is YAML: quotes and backslashes in a folder's name stay what they are
        root=f"  root: {json.dumps(str(root), ensure_ascii=False).replace('${', '$${')}\n" if root else "",
        pixels="8, 16" if is_small else "32, 48, 64",
        least=1 if is_small else 2,
        most=2 if is_small else 4,
        augmentations="none, light" if is_small else "crop_flip, basic",
        epochs=15 if is_small else 20,
        metric=metric,
    )
