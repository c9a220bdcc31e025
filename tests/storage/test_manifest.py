"""The manifest: written whole, read back, refused when it is unreadable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chirp.errors import OpenError
from chirp.storage import manifest as manifests
from chirp.storage.manifest import Manifest

MANIFEST = Manifest(2, "64", 1_700_000_000_000, "00112233445566778899aabbccddeeff")


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    manifests.write(tmp_path, MANIFEST)
    assert manifests.read(tmp_path) == MANIFEST
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_people_can_read_it(tmp_path: Path) -> None:
    manifests.write(tmp_path, MANIFEST)
    assert json.loads((tmp_path / "manifest.json").read_text()) == {
        "shards": 2,
        "id_layout": "64",
        "created_at": 1_700_000_000_000,
        "secret": "00112233445566778899aabbccddeeff",
        "format": manifests.FORMAT,
        "migrating_to": None,
    }


def test_fields_of_a_newer_format_do_not_hide_its_number(tmp_path: Path) -> None:
    fields = {"shards": 2, "id_layout": "64", "created_at": 1, "secret": "00", "format": 99}
    (tmp_path / "manifest.json").write_text(json.dumps({**fields, "new": []}))
    assert manifests.read(tmp_path).format == 99


def test_each_store_has_its_own_secret() -> None:
    one, two = (manifests.new_manifest(2, "64", 1) for _ in range(2))
    assert one.cursor_secret() != two.cursor_secret()
    assert len(one.cursor_secret()) == 16


def test_a_half_written_draft_is_not_the_manifest(tmp_path: Path) -> None:
    manifests.write(tmp_path, MANIFEST)
    (tmp_path / "manifest.json.new").write_text("{")
    assert manifests.read(tmp_path) == MANIFEST
    manifests.write(tmp_path, MANIFEST)
    assert not (tmp_path / "manifest.json.new").exists()


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"shards": "two"}'])
def test_an_unreadable_one_is_refused_in_one_line(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(raw)
    with pytest.raises(OpenError, match=r"restore manifest\.json from a backup$") as caught:
        manifests.read(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_without_one_is_no_store(tmp_path: Path) -> None:
    assert not manifests.exists(tmp_path)
    with pytest.raises(OpenError, match=r"make one with `chirp init`$"):
        manifests.read(tmp_path)
