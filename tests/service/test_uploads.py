"""Uploads: archives and lines become inputs, and those that are made to do harm do none."""

from __future__ import annotations

import io
import random
import tarfile
import tracemalloc
import zipfile
from typing import IO, TYPE_CHECKING

import pytest
from runs import run

from service.storage.parcels import Input, Parcel
from service.work import uploads
from service.work.uploads import UploadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LOG = run().model_dump_json().encode()
LIMIT = 100_000
MIB = 2**20


def inputs(file: IO[bytes], kind: str, limit: int, longest: int = LIMIT) -> list[Input]:
    return list(uploads.inputs(file, kind, limit, longest))


def zipped(files: dict[str, bytes]) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    out.seek(0)
    return out


def tarred(files: dict[str, bytes], mode: str = "w:gz") -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    out.seek(0)
    return out


def plain(files: dict[str, bytes]) -> io.BytesIO:
    return tarred(files, "w")


def tight(files: dict[str, bytes]) -> io.BytesIO:
    return tarred(files, "w:xz")


@pytest.mark.parametrize("pack", [zipped, tarred, plain, tight])
def test_an_archive_gives_an_input_for_each_log_in_it(pack: Callable[[dict[str, bytes]], io.BytesIO]) -> None:
    upload = pack({"a/1.json": LOG, "a/readme.md": b"no log", "a/.hidden.json": LOG, "2.jsonl.gz": b"x"})
    assert [(each.name, each.data) for each in inputs(upload, "application/octet-stream", LIMIT)] == [
        ("a/1.json", LOG),
        ("2.jsonl.gz", b"x"),
    ]


def test_each_line_is_an_input() -> None:
    found = inputs(io.BytesIO(LOG + b"\n\n" + LOG + b"\r\n{broken"), "application/x-ndjson", LIMIT)
    assert [each.name for each in found] == ["line 1", "line 3", "line 4"]


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", ["bomb.json", "bomb.bin"])
def test_a_bomb_is_refused_before_it_is_whole(pack: Callable[[dict[str, bytes]], io.BytesIO], name: str) -> None:
    upload = pack({"ok.json": LOG, name: bytes(50_000_000)})
    if pack is zipped and name == "bomb.bin":
        assert len(inputs(upload, "", LIMIT)) == 1  # a zip is read by its directory: what is passed over costs nothing
        return
    with pytest.raises(UploadError, match="unpacks to more than"):
        inputs(upload, "", LIMIT)


@pytest.mark.parametrize(
    "body", [b"", b"\x00" * 100, b"PK\x03\x04broken", b"\x1f\x8bbroken", b"<html>", zipped({}).getvalue()]
)
def test_what_is_no_batch_is_refused_in_words(body: bytes) -> None:
    with pytest.raises(UploadError):
        inputs(io.BytesIO(body), "application/zip", LIMIT)


def test_names_that_climb_are_names_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = inputs(tarred({"../../evil.json": LOG, "/etc/evil.json": LOG}), "", LIMIT)
    assert [each.name for each in found] == ["../../evil.json", "/etc/evil.json"]
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_too_long_is_cut_so_that_it_is_one_recorded_problem() -> None:
    for upload in (zipped({"a.json": bytes(5000), "b.json": LOG}), tarred({"a.json": bytes(5000), "b.json": LOG})):
        found = inputs(upload, "", LIMIT, longest=2000)
        assert [len(each.data or b"") for each in found] == [2001, len(LOG)]
    found = inputs(io.BytesIO(b"x" * 5000 + b"\n" + LOG), "application/x-ndjson", LIMIT, longest=2000)
    assert [(each.name, len(each.data or b"")) for each in found] == [("line 1", 2001), ("line 2", len(LOG))]


def test_labels_in_an_archive_are_an_input_so_that_somebody_is_told() -> None:
    upload = zipped({"a.json": LOG, "annotations.jsonl": b"{}"})
    assert [each.name for each in inputs(upload, "", LIMIT)] == ["a.json", "annotations.jsonl"]


@pytest.mark.parametrize("pack", [zipped, tarred, plain, tight])
def test_an_archive_that_is_broken_anywhere_is_refused_in_words(
    pack: Callable[[dict[str, bytes]], io.BytesIO],
) -> None:
    whole = pack({"a.json": LOG, "b/c.json": LOG * 3, "d.json.gz": b"x"}).getvalue()
    draw, refused = random.Random(1), 0  # noqa: S311 - places, no secrets
    for _ in range(400):
        broken = bytearray(whole[: draw.choice((len(whole), draw.randrange(len(whole))))])
        for _ in range(draw.randint(1, 4)):
            if broken:
                broken[draw.randrange(len(broken))] = draw.choice((0, 255, draw.randrange(256)))
        try:
            inputs(io.BytesIO(broken), "", LIMIT)
        except UploadError:
            refused += 1
    assert refused > 100


def odd(kind: bytes, size: int = 0, name: str = "odd.json") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.size, member.linkname = kind, size, "/etc/passwd"
    return member


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_what_a_tar_tells_of_a_file_cannot_fill_the_memory(kind: bytes) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as archive:
        archive.addfile(odd(kind, 64 * MIB), io.BytesIO(bytes(64 * MIB)))
    tracemalloc.start()
    with pytest.raises(UploadError, match="more than 65,536 bytes of one"):
        inputs(io.BytesIO(out.getvalue()), "", 2**30)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * MIB


def test_what_is_no_plain_file_in_a_tar_is_passed_over_or_refused() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(odd(tarfile.REGTYPE, len(LOG), "a.json"), io.BytesIO(LOG))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
            archive.addfile(odd(kind))
    assert [each.name for each in inputs(io.BytesIO(out.getvalue()), "", LIMIT)] == ["a.json"]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(odd(tarfile.GNUTYPE_SPARSE))
    with pytest.raises(UploadError, match="sparse"):
        inputs(io.BytesIO(out.getvalue()), "", LIMIT)


def test_a_zip_that_lists_too_many_files_is_refused_before_the_list_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_DIRECTORY", 100)
    with pytest.raises(UploadError, match="too many files"):
        inputs(zipped({f"{i}.json": LOG for i in range(3)}), "", LIMIT)


def test_a_large_upload_is_taken_in_with_little_memory() -> None:
    def many() -> Iterator[Input]:
        draw = random.Random(1)  # noqa: S311 - no secrets
        for i in range(20):
            yield Input(name=f"{i}", data=draw.randbytes(MIB))

    tracemalloc.start()
    with Parcel.of(many()) as parcel:
        sizes = [one.size for one in parcel.packed()]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (sizes, peak < 8 * MIB) == ([MIB] * 20, True)
