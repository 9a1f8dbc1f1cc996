"""The images of a sweep as MLflow knows a data set: name, digest, source, and how they were split."""

import json

from mlflow.entities import Dataset, DatasetInput, InputTag

from sweeper.trackers import ImagesTold

_DIGEST_LENGTH = 36  # MLflow takes no more


def dataset_input(images: ImagesTold) -> DatasetInput:
    """Return what MLflow shows in a run's column of data sets, and beside its metrics."""
    split = ", ".join(f"{name} {count:,}" for name, count in images.per_split.items())
    dataset = Dataset(
        name=images.name,
        digest=images.digest[:_DIGEST_LENGTH],
        source_type="sweeper",
        source=json.dumps({"source": images.source, "root": images.root}),
        profile=json.dumps({"images": sum(images.per_split.values()), **images.per_split}),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "train"), InputTag("sweeper.split", split)])
