import functools
import gzip
import hashlib
import http.server
import io
import tarfile
import threading
import zipfile

import pytest

from sweeper.data.archive import Limits, unpack
from sweeper.data.fetch import download, fetch
from sweeper.errors import DataError


def tar(path, *members, mode="w"):
    """Members are (name, content) or a TarInfo made by hand."""
    with tarfile.open(path, mode) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return path


def linked(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zipped(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def zip_link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_a_tar_is_unpacked(tmp_path, mode):
    archive = tar(tmp_path / "a.tar", ("a/1.jpg", b"one"), ("b/2.jpg", b"two"), mode=mode)
    unpack(archive, tmp_path / "out")
    assert (tmp_path / "out/a/1.jpg").read_bytes() == b"one"
    assert (tmp_path / "out/b/2.jpg").read_bytes() == b"two"


def test_a_zip_is_unpacked(tmp_path):
    unpack(zipped(tmp_path / "a.zip", ("a/1.jpg", b"one"), ("a/", b"")), tmp_path / "out")
    assert (tmp_path / "out/a/1.jpg").read_bytes() == b"one"


EVIL_TARS = {
    "above": (("../evil", b"x"),),
    "inside and above": (("a/../../evil", b"x"),),
    "absolute": (("/tmp/evil-sweeper", b"x"),),
    "backslashes": (("..\\evil", b"x"),),
    "link": (linked("a", "/etc/passwd"),),
    "hard link": (linked("a", "b", tarfile.LNKTYPE),),
    "link and a file through it": (linked("d", "/tmp"), ("d/evil", b"x")),
    "device": (linked("dev", "", tarfile.CHRTYPE),),
    "the same name twice": (("a", b"x"), ("a", b"y")),
}


@pytest.mark.parametrize("members", EVIL_TARS.values(), ids=EVIL_TARS)
def test_an_evil_tar_is_refused_and_leaves_nothing(tmp_path, members):
    archive = tar(tmp_path / "evil.tar", ("good", b"x"), *members)
    with pytest.raises(DataError, match=r"refused|cannot be unpacked"):
        unpack(archive, tmp_path / "in" / "out")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["evil.tar", "in"]


EVIL_ZIPS = {
    "above": ("../evil", b"x"),
    "absolute": ("/tmp/evil-sweeper", b"x"),
    "link": (zip_link("a"), "/etc"),
}


@pytest.mark.parametrize("member", EVIL_ZIPS.values(), ids=EVIL_ZIPS)
def test_an_evil_zip_is_refused_and_leaves_nothing(tmp_path, member):
    archive = zipped(tmp_path / "evil.zip", ("good", b"x"), member)
    with pytest.raises(DataError, match="is refused"):
        unpack(archive, tmp_path / "in" / "out")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["evil.zip", "in"]


@pytest.fixture(scope="module")
def bomb(tmp_path_factory):
    """180 MB in a few KB; packed once, for that takes longer than to refuse it."""
    zeros = b"\0" * 60_000_000
    return zipped(tmp_path_factory.mktemp("bomb") / "bomb.zip", ("1", zeros), ("2", zeros), ("3", zeros))


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(files=2, ratio=1e9), "more than 2 files"),
        (Limits(bytes=5_000), "GB come out"),
        (Limits(ratio=2.0), "one packed byte"),
    ],
)
def test_a_bomb_is_stopped_by_what_comes_out(bomb, tmp_path, limits, reason):
    with pytest.raises(DataError, match=reason):
        unpack(bomb, tmp_path / "out", limits)
    assert not (tmp_path / "out").exists()


def test_a_truncated_archive_is_refused(tmp_path):
    archive = tar(tmp_path / "a.tar.gz", ("a", bytes(range(256)) * 4000), mode="w:gz")
    archive.write_bytes(archive.read_bytes()[:200])
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(archive, tmp_path / "out")


def test_a_folder_with_content_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("precious")
    with pytest.raises(DataError, match="not empty"):
        unpack(tar(tmp_path / "a.tar", ("a", b"x")), tmp_path / "out")
    assert (tmp_path / "out" / "mine").read_text() == "precious"


def test_what_is_fetched_names_the_folder_that_holds_the_classes(tmp_path):
    wrapped = tar(tmp_path / "wrapped.tar", ("food/rice/1.jpg", b"x"), ("food/soup/1.jpg", b"y"))
    plain = tar(tmp_path / "plain.tar", ("rice/1.jpg", b"x"), ("soup/1.jpg", b"y"))
    one = tar(tmp_path / "one.tar", ("rice/1.jpg", b"x"))
    assert fetch(str(wrapped), tmp_path / "a") == tmp_path / "a" / "food"
    assert fetch(str(plain), tmp_path / "b") == tmp_path / "b"
    assert fetch(str(one), tmp_path / "c") == tmp_path / "c"


def test_fetch_unpacks_an_archive_that_is_already_here(tmp_path):
    fetch(str(tar(tmp_path / "a.tar", ("a/1.jpg", b"x"))), tmp_path / "out")
    assert (tmp_path / "out/a/1.jpg").exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [("uecfood", "foodcam"), ("cifar1", "did you mean 'cifar10"), (__file__, "neither a tar nor a zip")],
)
def test_what_cannot_be_fetched_is_said(tmp_path, name, reason):
    with pytest.raises(DataError, match=reason):
        fetch(name, tmp_path / "out")


@pytest.fixture
def server(tmp_path):
    """The address of a server of the folder `served`, which holds one file."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "file").write_bytes(b"images")
    handler = functools.partial(QuietHandler, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_the_first_address_that_answers_is_taken_and_the_file_checked(tmp_path, server):
    md5 = hashlib.md5(b"images", usedforsecurity=False).hexdigest()
    download([f"{server}/missing", f"{server}/file"], "kept", md5, tmp_path / "target")
    assert (tmp_path / "target" / "kept").read_bytes() == b"images"


def test_a_wrong_checksum_is_refused(tmp_path, server):
    with pytest.raises(DataError, match="cannot be downloaded"):
        download([f"{server}/file"], "kept", "0" * 32, tmp_path / "target")


def test_a_damaged_xz_and_a_zip_with_a_password_are_refused_in_a_line(tmp_path):
    archive = tmp_path / "a.tar.xz"
    with tarfile.open(archive, "w:xz") as packed:
        packed.add(__file__, "a/1.jpg")
    content = bytearray(archive.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 50] = bytes(50)
    archive.write_bytes(content)
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(archive, tmp_path / "out")

    locked = tmp_path / "b.zip"
    with zipfile.ZipFile(locked, "w") as packed:
        packed.writestr("a/1.jpg", b"x")
    content = bytearray(locked.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    locked.write_bytes(content)
    with pytest.raises(DataError, match="encrypted"):
        unpack(locked, tmp_path / "out")


def header_with_a_long_name(size):
    """A member whose name is said to follow in that many bytes."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, size
    return info.tobuf(tarfile.GNU_FORMAT)


def test_a_header_that_claims_a_name_of_gigabytes_is_refused_before_it_is_unpacked(tmp_path):
    with gzip.open(tmp_path / "a.tgz", "wb") as file:
        file.write(header_with_a_long_name(8 * 10**9))
        file.write(bytes(1 << 20))
    with pytest.raises(DataError, match="a header claims 8,000,000,"):
        fetch(str(tmp_path / "a.tgz"), tmp_path / "out")


def test_an_endless_list_of_holes_is_refused(tmp_path):
    info = tarfile.TarInfo("holes.jpg")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[482] = 1  # more holes follow
    header[148:156] = b" " * 8
    header[148:155] = b"%06o\0" % sum(header)
    more = bytearray(512)
    more[504] = 1
    with gzip.open(tmp_path / "a.tgz", "wb") as file:
        file.write(bytes(header) + bytes(more) * 1000)
    with pytest.raises(DataError, match="headers lead to more"):
        unpack(tmp_path / "a.tgz", tmp_path / "out", Limits(bytes=100_000))
    assert not (tmp_path / "out").exists()
