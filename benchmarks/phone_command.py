"""What `bench` does with `--device adb[:SERIAL]` and `--device all`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portraitlite.benchmarks.schedule import Schedule
from portraitlite.benchmarks.stages import Stage
from portraitlite.runtime.console import native_stderr_silenced, print_json, progress_bar, say
from portraitlite.runtime.errors import InputError, PortraitLiteError

if TYPE_CHECKING:
    from portraitlite.benchmarks.official import OfficialRun
    from portraitlite.benchmarks.phone import PhoneResult, PhoneSettings
    from portraitlite.benchmarks.phone_record import PhoneRound

__all__ = ["Output", "bench_on_phones", "official_on_phone", "settings_from"]


@dataclasses.dataclass(frozen=True)
class Output:
    """Where results go.

    Attributes:
        path: of the run record; with several phones one file for each, `NAME-UNIT.json`.
        force: overwrite.
        json: print the records.
        quiet: no progress and notices.
    """

    path: Path | None
    force: bool
    json: bool
    quiet: bool

    def of(self, unit: str, *, several: bool) -> Path | None:
        """The file for one phone.

        Raises:
            InputError: it could not be written later.
        """
        from portraitlite.runtime.save import check_target

        if self.path is None:
            return None
        path = self.path.with_name(f"{self.path.stem}-{unit}{self.path.suffix}") if several else self.path
        check_target(path, force=self.force)
        return path


def settings_from(harness: Path | None, litert: Path | None, **others: Any) -> PhoneSettings:
    """`PhoneSettings` from the command line.

    Raises:
        InputError: a file is missing.
    """
    from portraitlite.benchmarks.phone import PhoneSettings

    if harness is None or litert is None:
        missing = " and ".join(name for name, value in (("--harness", harness), ("--litert", litert)) if value is None)
        raise InputError(
            f"a phone needs {missing}: the native program (portraitlite harness build) and LiteRT's library for it "
            f"(docs/phone.md says where it comes from)"
        )
    return PhoneSettings(harness, litert, **others)


def bench_on_phones(
    device: str,
    adb: Path | None,
    models: Sequence[str],
    schedule: Schedule,
    settings: PhoneSettings,
    output: Output,
    *,
    stage: Stage,
    threads: Sequence[int],
    photo_size: tuple[int, int] | None,
) -> None:
    """Measure, write, print.

    Raises:
        InputError: an argument or file cannot be used.
        DeviceError: no usable phone; or one was lost, after what it had measured was written.
        CheckFailedError: a program failed on a phone, after what it had measured was written.
    """
    from portraitlite.android_harness.adb import find_adb
    from portraitlite.android_harness.devices import choose_devices, list_devices, unit_of
    from portraitlite.benchmarks.emulated_run import emulated_document, save_emulated
    from portraitlite.benchmarks.phone import bench_phones
    from portraitlite.benchmarks.run_set import save_run

    program = find_adb(adb)
    devices = choose_devices(program, device)
    for left_out in list_devices(program) if device == "all" else ():
        if not left_out.usable:
            say(f"notice: left out: {left_out.problem}", quiet=output.quiet)
    several = len(devices) > 1
    targets = {unit_of(one.serial): output.of(unit_of(one.serial), several=several) for one in devices}
    with native_stderr_silenced(), progress_bar(quiet=output.quiet) as move:
        results = bench_phones(
            program,
            devices,
            models,
            schedule,
            settings,
            stage=stage,
            threads=threads,
            photo_size=photo_size,
            progress=move,
        )
    documents = []
    for result in results:
        target = targets[result.unit]
        if result.run is not None:
            documents.append(result.run.to_dict())
            if target is not None:
                save_run(target, result.run, force=output.force)
        elif result.emulated:
            documents.append(emulated_document(result.emulated))
            if target is not None:
                save_emulated(target, result.emulated, force=output.force)
    if output.json:
        if documents:
            print_json(documents[0] if not several else {"phones": documents})
    else:
        for result in results:
            _print(result)
    for result in results:
        records = result.run.records if result.run is not None else result.emulated
        for warning in dict.fromkeys(line for record in records for line in record.warnings):
            say(f"warning: {f'{result.name}: ' * several}{warning}", quiet=output.quiet)
    _raise_first([result.error for result in results if result.error is not None], quiet=output.quiet)


def official_on_phone(device: str, adb: Path | None, program: Path, model: str, **options: Any) -> OfficialRun:
    """An `OfficialRun` of the only phone that `device` names.

    Raises:
        InputError: several phones, or as `run_official_on_phone`.
        DeviceError: as there.
    """
    from portraitlite.android_harness.adb import find_adb
    from portraitlite.android_harness.devices import choose_devices
    from portraitlite.android_harness.shell import Phone
    from portraitlite.benchmarks.phone_official import run_official_on_phone

    found = find_adb(adb)
    devices = choose_devices(found, device)
    if len(devices) != 1:
        raise InputError("--benchmark-model runs on one phone at a time; give --device adb:SERIAL")
    return run_official_on_phone(Phone(found, devices[0].serial), program, model, **options)


def _print(result: PhoneResult) -> None:
    from portraitlite.benchmarks.bench_report import print_run

    if result.run is not None:
        print(f"{result.name} ({result.unit})")
        print_run(result.run)
        for record in result.run.records:
            assert record.phone is not None
            print(f"{record.model.name}, {record.configuration.threads} threads: {_warmth(record.phone.rounds)}")
    for run in result.emulated:
        print(f"{result.name} ({result.unit}): {run.model.name} ran in {run.configuration.scope}; emulated, no figures")


def _warmth(rounds: Sequence[PhoneRound]) -> str:
    """How warm the phone was, and how long it was waited for."""
    states = [state.warmth_celsius for turn in rounds for state in (turn.before, turn.after)]
    known = [celsius for celsius in states if celsius is not None]
    warmth = f"{known[0]:.1f} to {known[-1]:.1f} degrees, at most {max(known):.1f}" if known else "warmth unknown"
    return f"{warmth}; {len(rounds)} rounds, {sum(turn.waited_s for turn in rounds):.0f} s waited for cooling"


def _raise_first(errors: Sequence[PortraitLiteError], *, quiet: bool) -> None:
    for error in errors[1:]:
        say(f"error: {error}", quiet=quiet)
    if errors:
        raise errors[0]
