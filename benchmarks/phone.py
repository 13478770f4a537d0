"""Latency of models and stages on phones over adb: the desktop's records, and the phone's state around them.

Configurations take turns in rounds (A B C A B C ...); before each turn the phone may cool down. What cannot be measured
there, an emulated phone, gives a record without figures.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import threading
from collections.abc import Sequence
from pathlib import Path

from portraitlite.android_harness.adb import AdbProgram
from portraitlite.android_harness.devices import Device
from portraitlite.android_harness.run_folder import RunFolder
from portraitlite.android_harness.shell import Phone
from portraitlite.benchmarks.phone_measurement import PhoneMeasurement, PhoneResult, PhoneSettings, RoundsDone
from portraitlite.benchmarks.schedule import Schedule
from portraitlite.benchmarks.stages import Stage
from portraitlite.runtime.errors import PortraitLiteError

__all__ = ["PhoneResult", "PhoneSettings", "bench_phone", "bench_phones"]


def bench_phones(
    adb: AdbProgram,
    devices: Sequence[Device],
    models: Sequence[str | Path],
    schedule: Schedule,
    settings: PhoneSettings,
    *,
    stage: Stage = Stage.INVOKE,
    threads: Sequence[int] = (1,),
    photo_size: tuple[int, int] | None = None,
    progress: RoundsDone | None = None,
) -> tuple[PhoneResult, ...]:
    """`bench_phone` on several phones at the same time; what happens to one does not stop the others.

    Args:
        adb: the program.
        devices: usable ones, at least one.
        models, schedule, settings, stage, threads, photo_size, progress: as for `bench_phone`.
    """
    stop = threading.Event()

    def measure(device: Device) -> PhoneResult:
        return bench_phone(
            Phone(adb, device.serial),
            models,
            schedule,
            settings,
            stage=stage,
            threads=threads,
            photo_size=photo_size,
            progress=progress,
            stop=stop,
        )

    if len(devices) == 1:
        return (measure(devices[0]),)
    with concurrent.futures.ThreadPoolExecutor(len(devices)) as pool:
        try:
            return tuple(pool.map(measure, devices))
        except BaseException:
            stop.set()  # the pool waits for the turns under way, which clean up after themselves
            raise


def bench_phone(
    phone: Phone,
    models: Sequence[str | Path],
    schedule: Schedule,
    settings: PhoneSettings,
    *,
    stage: Stage = Stage.INVOKE,
    threads: Sequence[int] = (1,),
    photo_size: tuple[int, int] | None = None,
    progress: RoundsDone | None = None,
    stop: threading.Event | None = None,
) -> PhoneResult:
    """Measure every model with every number of threads on one phone; never raises what the phone is to blame for.

    Args:
        phone: where.
        models: names of bundled models or paths; the first one is what ratios compare with.
        schedule: how long each is measured, over all its turns.
        settings: how.
        stage, threads, photo_size: as for `bench_models`.
        progress: called with (phone, turns done, turns).
        stop: set by another thread to end after the present turn.
    """
    measurement = PhoneMeasurement(phone, schedule, settings, progress, stop or threading.Event())
    pairs = list(itertools.product(models[:1] if not stage.uses_model else models, threads))
    error: PortraitLiteError | None = None
    try:
        measurement.look()
        with RunFolder(phone, keep=settings.keep) as folder:
            measurement.prepare(folder, pairs, stage, photo_size)
            measurement.take_turns()
    except PortraitLiteError as problem:
        error = problem
    return measurement.result(error)
