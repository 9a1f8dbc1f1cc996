import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sweeper.errors import StateError
from sweeper.training.checkpoint import CheckpointFolder, LostCheckpoint, load, load_newest, verify

CPU = torch.device("cpu")


def folder(root: Path, attempt: int = 1) -> CheckpointFolder:
    return CheckpointFolder(root, "abc123", attempt)


def state(value: float) -> dict[str, object]:
    return {"model": {"weight": torch.full((2, 2), value)}, "progress": {"epoch": int(value)}}


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


def test_what_is_saved_is_loaded(tmp_path: Path):
    path = folder(tmp_path).save(state(3), epoch=3, best_epoch=3)
    assert torch.equal(load(path, CPU)["model"]["weight"], torch.full((2, 2), 3.0))


def test_the_manifest_says_who_wrote_what(tmp_path: Path):
    manifest = verify(folder(tmp_path, attempt=4).save(state(3), epoch=3, best_epoch=3))
    assert (manifest.epoch, manifest.trial_key, manifest.attempt) == (3, "abc123", 4)
    assert manifest.size > 0
    assert len(manifest.sha256) == 64


def test_the_last_two_and_the_best_are_kept_and_nothing_lies_aside(tmp_path: Path):
    for epoch in range(1, 7):
        folder(tmp_path).save(state(epoch), epoch=epoch, best_epoch=min(epoch, 2))
    assert names(tmp_path) == ["epoch-0002.1", "epoch-0005.1", "epoch-0006.1"]


def test_what_a_lost_attempt_wrote_does_not_push_out_what_the_record_goes_on_from(tmp_path: Path):
    """Epoch 1 was recorded; then attempts are lost, each behind a checkpoint that nobody recorded."""
    for attempt in (1, 2, 3):
        epoch = min(attempt, 2)
        folder(tmp_path, attempt).save(state(epoch), epoch=epoch, best_epoch=epoch)
    folder(tmp_path, 4).save(state(2), epoch=2, best_epoch=2)
    assert names(tmp_path) == ["epoch-0001.1", "epoch-0002.4"]


def test_one_flipped_bit_is_noticed(tmp_path: Path):
    path = folder(tmp_path).save(state(1), epoch=1, best_epoch=1)
    content = bytearray((path / "state.pt").read_bytes())
    content[len(content) // 2] ^= 1
    (path / "state.pt").write_bytes(content)
    with pytest.raises(StateError, match="damaged"):
        load(path, CPU)


def test_a_truncated_state_falls_back_to_the_one_before(tmp_path: Path):
    folder(tmp_path).save(state(1), epoch=1, best_epoch=1)
    last = folder(tmp_path).save(state(2), epoch=2, best_epoch=1)
    (last / "state.pt").write_bytes((last / "state.pt").read_bytes()[:-7])
    found = load_newest(last, None, CPU)
    assert found is not None
    assert found["progress"]["epoch"] == 1


def test_without_any_sound_checkpoint_there_is_none(tmp_path: Path):
    last = folder(tmp_path).save(state(2), epoch=2, best_epoch=1)
    (last / "manifest.json").unlink()
    with pytest.raises(LostCheckpoint, match="no checkpoint that can be read"):
        load_newest(last, None, CPU)
    assert load_newest(None, last.parent, CPU) is None, "none that the record knows"


def test_a_checkpoint_that_nobody_heard_of_counts_where_it_tells_its_reports(tmp_path: Path):
    """The record goes on from epoch 1; epochs 2 and 3 were written before the driver was lost."""
    known = folder(tmp_path).save(state(1), epoch=1, best_epoch=1)
    folder(tmp_path).save(state(2), epoch=2, best_epoch=1)
    assert load_newest(known, None, CPU)["progress"]["epoch"] == 1, "written by an older sweeper"
    folder(tmp_path).save(state(3) | {"reports": [{"epoch": 3}]}, epoch=3, best_epoch=1)
    assert load_newest(known, None, CPU)["progress"]["epoch"] == 3
    assert load_newest(None, tmp_path, CPU)["progress"]["epoch"] == 3


@pytest.mark.slow(reason="starts Python anew, and there imports torch")
def test_a_full_disk_leaves_no_half_of_a_checkpoint(tmp_path: Path):
    """A file may grow to 20 kB here, which ends a write as a full disk does."""
    code = (
        "import resource, signal, sys, torch; from pathlib import Path\n"
        "from sweeper.training.checkpoint import CheckpointFolder\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "folder = CheckpointFolder(Path(sys.argv[1]), 'abc123', 1)\n"
        "folder.save({'w': torch.zeros(10)}, epoch=1, best_epoch=1)\n"
        "try: folder.save({'w': torch.zeros(100_000)}, epoch=2, best_epoch=1)\n"
        "except OSError as error: print(type(error).__name__)\n"
    )
    said = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert said.stdout == "OSError\n", said.stderr
    assert names(tmp_path) == ["epoch-0001.1"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"epoch": 1, "surprise": 2}'])
def test_a_manifest_that_is_none_is_a_state_error(tmp_path: Path, text):
    path = folder(tmp_path).save(state(1), epoch=1, best_epoch=1)
    (path / "manifest.json").write_text(text)
    with pytest.raises(StateError):
        verify(path)


def test_a_format_of_the_future_asks_for_an_upgrade(tmp_path: Path):
    path = folder(tmp_path).save(state(1), epoch=1, best_epoch=1)
    fields = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps({**fields, "version": 99}))
    with pytest.raises(StateError, match="upgrade"):
        verify(path)


def test_an_attempt_that_was_given_up_cannot_write_any_more(tmp_path: Path):
    folder(tmp_path, attempt=2).save(state(1), epoch=1, best_epoch=1)
    with pytest.raises(StateError, match="attempt 2 has taken over"):
        folder(tmp_path, attempt=1).save(state(5), epoch=5, best_epoch=5)


def test_an_epoch_that_is_done_again_replaces_its_checkpoint(tmp_path: Path):
    folder(tmp_path).save(state(1), epoch=1, best_epoch=1)
    path = folder(tmp_path).save(state(9), epoch=1, best_epoch=1)
    assert load(path, CPU)["progress"]["epoch"] == 9


def test_code_in_a_checkpoint_is_refused(tmp_path: Path):
    path = folder(tmp_path).save({"model": Path("/etc")}, epoch=1, best_epoch=1)
    with pytest.raises(StateError, match="plain types"):
        load(path, CPU)
