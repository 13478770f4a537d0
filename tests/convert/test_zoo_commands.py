from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from portraitlite.convert.zoo import BACKBONES, MODELS, commands
from portraitlite.convert.zoo import download as download_module
from portraitlite.runtime.errors import InputError, MissingDependencyError

SMALL = "mobilenetv3_small_cityscapes_trainfine"
SMALL_FILE = "deeplab_mnv3_small_cityscapes_trainfine_2019_11_15.tar.gz"
PAYLOAD = gzip.compress(b"a network" * 1000, mtime=0)


@pytest.fixture
def app() -> typer.Typer:
    application = typer.Typer()
    application.callback()(lambda: None)  # keeps `zoo` a verb although it is the only one
    commands.register(application)
    return application


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever asks for an address fails, but in the tests that have a server of their own."""
    if "mirror" not in request.fixturenames:
        monkeypatch.setattr(download_module, "_open", lambda *_: pytest.fail("the network was used"))


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    files = tmp_path / "served"
    files.mkdir()
    (files / SMALL_FILE).write_bytes(PAYLOAD)

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(files)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def run(app: typer.Typer, *arguments: str | Path, columns: int = 200) -> Any:
    return CliRunner().invoke(app, ["zoo", *map(str, arguments)], env={"COLUMNS": str(columns)})


def test_the_list_as_json(app: typer.Typer) -> None:
    document = json.loads(run(app, "--json").stdout)
    assert [entry["name"] for entry in document["models"]] == [model.name for model in MODELS]
    assert [entry["convertible"] for entry in document["backbones"]] == [False] * len(BACKBONES)


def test_the_list_as_a_table(app: typer.Typer) -> None:
    result = run(app)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    for model in (*MODELS, *BACKBONES):
        assert any(model.file in line for line in lines)
    (row,) = [line.split() for line in lines if line.startswith("mobilenetv2_dm05_coco_voc_trainval ")]
    assert row[1:] == ["71.83", "test", "OS8", "2.84", "7.6", "yes"]
    (row,) = [line.split() for line in lines if line.startswith("xception71_dpc_cityscapes_trainval ")]
    assert row[1:] == ["82.66", "test", "OS8*", "-", "446", "no"]
    for piece in ("Cityscapes, 19 classes", "Apache-2.0", "as published"):
        assert piece in result.stdout


def test_the_table_fits_80_columns(app: typer.Typer) -> None:
    lines = run(app, columns=80).stdout.splitlines()
    assert max(len(line) for line in lines) <= 80
    names = {line.split()[0]: line.split()[-1] for line in lines if line.strip()}
    assert all(names[model.name] in ("yes", "no") for model in MODELS)


def test_one_that_is_not_here(app: typer.Typer, tmp_path: Path) -> None:
    result = run(app, SMALL, "--zoo-dir", tmp_path)
    assert result.exit_code == 0
    for piece in (
        f"https://download.tensorflow.org/models/{SMALL_FILE} (5 MB)",
        "lr_aspp, 19 classes, output stride 32, decoder 8, input 1025x2049",
        "68.99 val, OS32 (as published)",
        "4.63 billion",
        f"no: `portraitlite zoo {SMALL} --download --zoo-dir {tmp_path}` fetches it",
    ):
        assert piece in result.stdout
    document = json.loads(run(app, SMALL, "--zoo-dir", tmp_path, "--json").stdout)
    assert (document["name"], document["path"], document["download"]) == (SMALL, None, None)


def test_what_was_not_verified_is_said(app: typer.Typer) -> None:
    assert "no: no official sample of this kind was at hand" in run(app, "EdgeTPU-DeepLab").stdout
    assert "it cannot be converted" in run(app, "xception_41_imagenet").stdout


def test_a_download_ends_in_the_card(app: typer.Typer, tmp_path: Path, mirror: str) -> None:
    folder = tmp_path / "zoo"
    result = run(app, SMALL.upper(), "--download", "--mirror", mirror, "--zoo-dir", folder)
    assert result.exit_code == 0, result.exception
    sha256 = hashlib.sha256(PAYLOAD).hexdigest()
    assert sha256 in result.stdout
    assert str(folder / SMALL_FILE) in result.stdout
    assert (folder / SMALL_FILE).read_bytes() == PAYLOAD
    document = json.loads(run(app, SMALL, "--zoo-dir", folder, "--json").stdout)
    assert document["path"] == str(folder / SMALL_FILE)
    assert document["download"]["sha256"] == sha256
    assert document["download"]["url"] == f"{mirror}/{SMALL_FILE}"


def test_what_is_here_is_not_fetched_again(app: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / SMALL_FILE).write_bytes(b"by hand")
    result = run(app, SMALL, "--download", "--zoo-dir", tmp_path)
    assert result.exit_code == 0
    assert "is there already; --force fetches it again" in result.stderr
    assert "not recorded" in result.stdout
    assert (tmp_path / SMALL_FILE).read_bytes() == b"by hand"
    assert run(app, SMALL, "--download", "--zoo-dir", tmp_path, "--quiet").stderr == ""


def test_force_fetches_again(app: typer.Typer, tmp_path: Path, mirror: str) -> None:
    (tmp_path / SMALL_FILE).write_bytes(b"by hand")
    result = run(app, SMALL, "--download", "--mirror", mirror, "--zoo-dir", tmp_path, "--force", "--json")
    assert json.loads(result.stdout)["download"]["size_bytes"] == len(PAYLOAD)
    assert (tmp_path / SMALL_FILE).read_bytes() == PAYLOAD


@pytest.mark.parametrize("record", [b"not json", b"[1]", b"\xff", b"[" * 60_000, b" " * 70_000])
def test_a_damaged_record_is_as_none(app: typer.Typer, tmp_path: Path, record: bytes) -> None:
    (tmp_path / SMALL_FILE).write_bytes(PAYLOAD)
    (tmp_path / f"{SMALL_FILE}.json").write_bytes(record)
    assert json.loads(run(app, SMALL, "--zoo-dir", tmp_path, "--json").stdout)["download"] is None


def test_a_folder_with_brackets_is_shown_as_it_is(app: typer.Typer, tmp_path: Path) -> None:
    folder = tmp_path / "[bold]zoo[" / "nothing]"
    folder.mkdir(parents=True)
    (folder / SMALL_FILE).write_bytes(PAYLOAD)
    assert str(folder / SMALL_FILE) in run(app, SMALL, "--zoo-dir", folder).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mobilenetv3_small"], f"the zoo has no model 'mobilenetv3_small': did you mean {SMALL}"),
        (["--download"], "--download fetches one model: give its name"),
        ([SMALL, "--mirror", "http://127.0.0.1"], "--mirror says where to fetch from: give it with --download"),
        ([SMALL, "--download", "--mirror", "file:///etc"], "'file:///etc' is no address to download from"),
    ],
)
def test_bad_usage(app: typer.Typer, tmp_path: Path, arguments: list[str], message: str) -> None:
    error = run(app, *arguments, "--zoo-dir", tmp_path).exception
    assert isinstance(error, InputError)
    assert message in str(error)
    assert error.exit_code == 2


def test_a_failing_server_is_exit_3_and_a_missing_file_exit_2(app: typer.Typer, tmp_path: Path, mirror: str) -> None:
    there = (SMALL, "--download", "--zoo-dir", tmp_path, "--mirror")
    error = run(app, *there, f"{mirror}/nowhere").exception
    assert isinstance(error, InputError)
    assert "answered 404" in str(error)
    error = run(app, *there, "http://127.0.0.1:1").exception
    assert isinstance(error, MissingDependencyError)
    assert error.exit_code == 3
    assert not (tmp_path / SMALL_FILE).exists()
