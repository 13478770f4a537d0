"""`parity` from files to a record, on a phone or with a host build of the native program."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from portraitlite.android_harness.device_errors import DeviceError
from portraitlite.android_harness.devices import unit_of
from portraitlite.android_harness.elf import check_abi, elf_abi
from portraitlite.android_harness.facts import PhoneFacts, read_facts
from portraitlite.android_harness.place import LocalFolder, Place
from portraitlite.android_harness.run_folder import RunFolder
from portraitlite.android_harness.shell import Phone
from portraitlite.benchmarks.contestant import read_model
from portraitlite.benchmarks.parity import ParityRunner
from portraitlite.benchmarks.parity_record import ParityRecord, find_failures
from portraitlite.benchmarks.parity_stages import ParityGate
from portraitlite.benchmarks.phone_library import OpenLibrary, open_library
from portraitlite.benchmarks.record import ModelFacts
from portraitlite.runtime.backends import load_backend
from portraitlite.runtime.errors import InputError

__all__ = ["ParitySettings", "run_parity"]

Picture = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class ParitySettings:
    """Attributes as in `PhoneSettings`, and:

    Attributes:
        gate: what is allowed.
        threads: CPU threads of the program; the result should not depend on them.
    """

    harness: Path
    library: Path
    accept_library: str | None = None
    accelerator: str = "cpu"
    threads: int = 1
    keep: bool = False
    gate: ParityGate = dataclasses.field(default_factory=ParityGate)


def run_parity(
    phone: Phone | None,
    model: str | Path,
    photos: Sequence[tuple[str, Picture]],
    settings: ParitySettings,
    *,
    progress: Callable[[str, int, int], None] | None = None,
    keep: Callable[[str, str, Picture], None] | None = None,
) -> ParityRecord:
    """Run every photo on both sides.

    Args:
        phone: where the program runs; None: here, with a host build.
        model: bundled name or path of a segmentation model that knows a person.
        photos: names and (H, W, 3) uint8 RGB pixels, at least one.
        settings: how.
        progress: called with (`photos`, done, total).
        keep: called with each photo's name, `desktop` or `phone`, and the picture.

    Raises:
        InputError: a file, photo or model cannot be used.
        DeviceError: the phone cannot be used, or was lost.
        CheckFailedError: the program failed.
    """
    if not photos:
        raise InputError("parity needs a photo; give --photo")
    facts = None if phone is None else read_facts(phone)
    library = _check(facts, settings)
    with _place(phone, keep=settings.keep) as place:
        program = place.put(settings.harness, executable=True)
        there = place.put(settings.library)
        library = library.tested(place, program, there)
        shared = [("library", there), ("accelerator", settings.accelerator), ("threads", str(settings.threads))]
        runner = ParityRunner(place, program, shared, model)
        done = []
        for number, (name, pixels) in enumerate(photos, 1):
            kept = None if keep is None else _named(keep, name)
            done.append(runner.compare(name, pixels, keep=kept))
            if progress is not None:
                progress("photos", number, len(photos))
    backend, module = load_backend(None)
    failures = find_failures(done, settings.gate)
    return ParityRecord(
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        model=ModelFacts.of(*read_model(model)),
        device="desktop" if phone is None else "adb",
        unit=None if phone is None else unit_of(phone.serial),
        phone=facts,
        emulated=facts is not None and facts.emulated is not None,
        desktop_runtime=f"{backend} {module.version()}",
        harness_sha256=hashlib.sha256(settings.harness.read_bytes()).hexdigest(),
        library=library.facts,
        accelerator=settings.accelerator,
        gate=settings.gate,
        photos=tuple(done),
        passed=not failures,
        failures=failures,
    )


def _check(facts: PhoneFacts | None, settings: ParitySettings) -> OpenLibrary:
    built_for = elf_abi(settings.harness)
    if facts is not None:
        if facts.abi is None:
            raise DeviceError(f"the phone does not say its ABI ({facts.unavailable['abi']}); restart it")
        check_abi(settings.harness, facts.abi, script=True)
        built_for = built_for or facts.abi
    elif built_for is None:
        raise InputError(f"{settings.harness} is no program; build one with portraitlite harness build --host")
    return open_library(settings.library, built_for, accept=settings.accept_library)


@contextlib.contextmanager
def _place(phone: Phone | None, *, keep: bool) -> Iterator[Place]:
    if phone is None:
        with LocalFolder() as local:
            yield local
    else:
        with RunFolder(phone, keep=keep) as folder:
            yield folder


def _named(keep: Callable[[str, str, Picture], None], name: str) -> Callable[[str, Picture], None]:
    return lambda side, picture: keep(name, side, picture)
