"""`bench` on the double of a phone, with a stand-in for the native program: files and settings for a test."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from fake_device import FakeDevice
from fake_phone import fake_library, install_fake_harness

from portraitlite.android_harness.library_lock import LOCK_FILE
from portraitlite.android_harness.shell import Phone
from portraitlite.benchmarks import phone_library
from portraitlite.benchmarks.phone import PhoneResult, PhoneSettings, bench_phone
from portraitlite.benchmarks.run_set import RunSet
from portraitlite.benchmarks.schedule import Schedule

__all__ = ["Bench", "list_library", "prepare_bench", "records"]


@dataclasses.dataclass(frozen=True)
class Bench:
    """Files for a run on the double."""

    phone: Phone
    device: FakeDevice
    folder: Path
    model: Path
    settings: PhoneSettings

    def run(self, **changes: Any) -> PhoneResult:
        schedule = changes.pop("schedule", Schedule(runs=6, warmup=2))
        models = changes.pop("models", [self.model])
        extra = {name: changes.pop(name) for name in ("stage", "threads", "photo_size") if name in changes}
        return bench_phone(self.phone, models, schedule, dataclasses.replace(self.settings, **changes), **extra)

    def behave(self, what: str) -> None:
        (self.folder / "behaviour").write_text(what)

    @property
    def calls(self) -> list[dict[str, Any]]:
        path = self.folder / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def there(self) -> list[Path]:
        return list((self.device.root / "data/local/tmp").rglob("*"))


def list_library(path: Path, lock: Path, patch: pytest.MonkeyPatch) -> Path:
    """A library without content that a lock of the test's own lists."""
    content = fake_library(path).read_bytes()
    lock.write_text(
        f'{LOCK_FILE.read_text()}\n[[library]]\nversion = "9.9.9"\nabi = "arm64-v8a"\nlibc = "bionic"\n'
        f'size_bytes = {len(content)}\nsha256 = "{hashlib.sha256(content).hexdigest()}"\nverdict = "works"\n'
    )
    original = phone_library.check_library
    patch.setattr(phone_library, "check_library", lambda path, **options: original(path, lock=lock, **options))
    return path


def prepare_bench(phone: Phone, device: FakeDevice, folder: Path, model: Path, patch: pytest.MonkeyPatch) -> Bench:
    """All files below `folder`."""
    folder.mkdir()
    library = list_library(folder / "libLiteRt.so", folder / "lock.toml", patch)
    settings = PhoneSettings(install_fake_harness(folder), library, rounds=3, cool_s=0)
    return Bench(phone, device, folder, model, settings)


def records(result: PhoneResult) -> RunSet:
    """Those of a phone that made no trouble."""
    assert result.error is None, result.error
    assert result.run is not None
    return result.run
