"""What every test may use: the optional reference material, the bundled photos, oracles beside the tests."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

pytest_plugins = ("phone_fixtures",)  # of tests/support

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if SHARED.is_dir():
        return
    skip = pytest.mark.skip(reason="the reference checkpoints and photos are not beside the checkout (../shared)")
    for item in items:
        if "shared_data" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the reference checkpoints and photos; only for tests marked `shared_data`."""
    return SHARED


@pytest.fixture(scope="session")
def photos() -> Path:
    """Folder of the bundled CC0 portraits (AI-generated, 512x512)."""
    return ROOT / "examples" / "photos"


@pytest.fixture(scope="session")
def oracle() -> Any:
    """`oracle("name")` loads tests/oracles/name.py, an independent implementation to compare with."""

    def load(name: str) -> ModuleType:
        key = f"portraitlite_oracle_{name}"
        if key not in sys.modules:
            spec = importlib.util.spec_from_file_location(key, ROOT / "tests" / "oracles" / f"{name}.py")
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[key] = module
            spec.loader.exec_module(module)
        return sys.modules[key]

    return load
