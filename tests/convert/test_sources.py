"""Tarballs and checkpoints: what is read, what is refused."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portraitlite.convert.sources import open_source
from portraitlite.convert.sources import tarball as tarball_module
from portraitlite.convert.sources.checkpoint import is_model_variable
from portraitlite.runtime.errors import InputError


def test_tarball_and_checkpoint_hold_the_same(
    tiny_tarball: Path, tmp_path: Path, oracle: Any, checkpoint_writer: Callable[..., Path]
) -> None:
    variables = oracle("mobilenet_v2_deeplab").random_variables(np.random.default_rng(5), decoder=4)
    prefix = checkpoint_writer(variables, tmp_path / "model.ckpt-7")
    for given in (tiny_tarball, prefix, tmp_path / "model.ckpt-7.index", tmp_path):
        source = open_source(given)
        assert source.variables.keys() == variables.keys()
        assert all(np.array_equal(source.variables[name], variables[name]) for name in variables)
        assert len(source.sha256) == 64


@pytest.mark.parametrize(
    "name",
    [
        "global_step",
        "beta1_power",
        "fake_quantization_step",
        "aspp0/weights/Momentum",
        "aspp0/weights/Adam_1",
        "aspp0/BatchNorm/beta/ExponentialMovingAverage",
        "MobilenetV2/Conv/act_quant/max",
        "MobilenetV2/Conv/weights_quant/min",
        "MobilenetV2/Conv/act_quant/x/biased",
    ],
)
def test_training_state_is_no_model_variable(name: str) -> None:
    assert not is_model_variable(name)
    assert is_model_variable("MobilenetV2/expanded_conv_1/expand/BatchNorm/moving_mean")


def _tarball(path: Path, *members: tarfile.TarInfo, size: int = 4) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            member.size = size if member.isreg() else 0
            archive.addfile(member, io.BytesIO(b"\0" * size) if member.isreg() else None)
    return path


def _member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([_member("../evil.index")], "leads outside"),
        ([_member("/etc/evil.index")], "leads outside"),
        ([_member("a/../../evil")], "leads outside"),
        ([_member("model.ckpt.index", tarfile.SYMTYPE, "/etc/passwd")], "link"),
        ([_member("model.ckpt.index", tarfile.LNKTYPE, "other")], "link"),
        ([_member("fifo", tarfile.FIFOTYPE)], "special file"),
        ([_member("a/x.index"), _member("b/x.index")], "one name"),
        ([_member(f"f{i}") for i in range(70)], "more than 64 files"),
        ([_member("readme.txt")], "no TF1 checkpoint"),
        ([_member("frozen_inference_graph.pb")], "frozen_inference_graph.pb"),
        ([_member("model.index")], "has no model.data-00000-of-00001"),
        ([_member("a.index"), _member("b.index")], "several checkpoints"),
    ],
)
def test_hostile_tarballs_are_refused(tmp_path: Path, members: list[tarfile.TarInfo], reason: str) -> None:
    path = _tarball(tmp_path / "model.tar.gz", *members)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=reason):
        open_source(path)
    assert sorted(tmp_path.iterdir()) == before
    assert not (tmp_path.parent / "evil.index").exists()


def test_tarball_bombs_are_refused_by_their_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tarball_module, "MAX_UNPACKED_BYTES", 1000)
    path = _tarball(tmp_path / "bomb.tar.gz", _member("big.data-00000-of-00001"), size=2000)
    with pytest.raises(InputError, match="unpacks to more than"):
        open_source(path)


def test_damaged_files_are_refused(tmp_path: Path, tiny_tarball: Path) -> None:
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(tiny_tarball.read_bytes()[:5000])
    noise = tmp_path / "noise.tar.gz"
    noise.write_bytes(b"not a tarball at all")
    for path in (cut, noise):
        with pytest.raises(InputError, match="not a readable tarball"):
            open_source(path)
    index = tmp_path / "model.index"
    index.write_bytes(b"\0" * 100)
    (tmp_path / "model.data-00000-of-00001").write_bytes(b"\0" * 100)
    with pytest.raises(InputError, match="not a readable TF1 checkpoint"):
        open_source(index)
    text = tmp_path / "model.txt"
    text.write_text("hello")
    with pytest.raises(InputError, match="none of the sources"):
        open_source(text)
    with pytest.raises(InputError, match="does not exist"):
        open_source(tmp_path / "absent.tar.gz")


def test_an_unusable_graph_beside_a_checkpoint_is_passed_over(tiny_tarball: Path, tmp_path: Path) -> None:
    """The checkpoint has all that is needed; the graph would only have spared flags."""
    copy = tmp_path / "with_graph.tar.gz"
    with tarfile.open(tiny_tarball) as old, tarfile.open(copy, "w:gz") as new:
        for member in old:
            new.addfile(member, old.extractfile(member))
        graph = tarfile.TarInfo("deeplabv3_mnv2_tiny/frozen_inference_graph.pb")
        graph.size = 9
        new.addfile(graph, io.BytesIO(b"no graph!"))
    source = open_source(copy)
    assert source.variables.keys() == open_source(tiny_tarball).variables.keys()
    assert not source.facts
    assert len(source.notices) == 1
    assert "frozen graph was not used" in source.notices[0]
