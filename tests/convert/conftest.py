"""Tiny official-shaped checkpoints, made by code."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def write_checkpoint(variables: dict[str, np.ndarray], prefix: Path, *, slots: bool = True) -> Path:
    """A TF1 checkpoint without .meta, with the optimizer slots and counters that training leaves."""
    import tensorflow as tf

    extra: dict[str, np.ndarray] = {}
    if slots:
        extra = {f"{name}/Momentum": np.zeros_like(value) for name, value in variables.items()}
        extra["global_step"] = np.array(7, np.int64)
        extra["MobilenetV2/Conv/act_quant/min"] = np.array(0.0, np.float32)
        extra["beta1_power"] = np.array(0.9, np.float32)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, value in {**variables, **extra}.items():
            tf.compat.v1.get_variable(name, initializer=value, use_resource=False)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(prefix), write_meta_graph=False, write_state=False)
    return prefix


@pytest.fixture(scope="session")
def checkpoint_writer() -> Callable[..., Path]:
    return write_checkpoint


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    """Three of the bundled portraits, for calibration."""
    folder = tmp_path_factory.mktemp("photos")
    for path in sorted(photos.glob("*.jpg"))[:3]:
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope="session")
def tiny_tarball(tmp_path_factory: pytest.TempPathFactory, oracle: Callable[[str], object]) -> Path:
    """A zoo-shaped tarball: decoder at stride 4, 3 classes, depth multiplier 0.5."""
    import tarfile

    folder = tmp_path_factory.mktemp("zoo")
    variables = oracle("mobilenet_v2_deeplab").random_variables(np.random.default_rng(5), decoder=4)  # type: ignore[attr-defined]
    prefix = write_checkpoint(variables, folder / "model.ckpt-30000")
    tarball = folder / "deeplabv3_mnv2_tiny.tar.gz"
    with tarfile.open(tarball, "w:gz") as archive:
        for path in sorted(folder.glob("model.ckpt-30000.*")):
            archive.add(path, f"deeplabv3_mnv2_tiny/{path.name}")
    assert prefix.with_suffix(".meta").exists() is False
    return tarball
