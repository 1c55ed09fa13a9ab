"""Digests and run ids."""

import hashlib
from pathlib import Path

from pipeline.digest import run_id, sha256_of_file, sha256_of_json

VERSIONS = {"pretag": "0.1.0", "numpy": "2"}


def test_the_run_id_depends_on_each_of_its_parts() -> None:
    parts = ({"sha256": "a"}, "config", "model", VERSIONS)
    ids = {
        run_id(*parts),
        run_id({"sha256": "b"}, *parts[1:]),
        run_id(parts[0], "other", *parts[2:]),
        run_id(*parts[:2], "other", parts[3]),
        run_id(*parts[:3], {**VERSIONS, "numpy": "3"}),
    }
    assert len(ids) == 5


def test_the_run_id_is_16_hex_digits_and_the_same_every_time() -> None:
    parts = ({"sha256": "a"}, "config", "model", VERSIONS)
    assert len(run_id(*parts)) == 16
    assert int(run_id(*parts), 16) >= 0
    assert run_id(*parts) == run_id(*parts)


def test_the_digest_of_a_file_is_the_sha256_of_its_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    assert sha256_of_file(path) == hashlib.sha256(b"content").hexdigest()


def test_the_digest_of_json_does_not_depend_on_the_order_of_keys() -> None:
    digest = sha256_of_json({"b": 1, "a": "ö"})
    assert digest == sha256_of_json({"a": "ö", "b": 1})
    assert digest == hashlib.sha256('{"a":"ö","b":1}'.encode()).hexdigest()
