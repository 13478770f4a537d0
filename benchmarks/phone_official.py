"""The official `benchmark_model`, built for Android by somebody else, on a phone over adb."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path

from portraitlite.android_harness.bounded import one_line
from portraitlite.android_harness.cooling import DEFAULT_CAP_S, cool_down
from portraitlite.android_harness.cores import cpu_mask
from portraitlite.android_harness.device_errors import DeviceError
from portraitlite.android_harness.devices import unit_of
from portraitlite.android_harness.elf import check_abi
from portraitlite.android_harness.facts import read_facts, read_state
from portraitlite.android_harness.run_folder import RunFolder
from portraitlite.android_harness.shell import Phone
from portraitlite.benchmarks.contestant import read_model
from portraitlite.benchmarks.official import OfficialRun, kind_from_help, official_arguments, official_result
from portraitlite.benchmarks.phone_record import PhoneRound, PhoneRun
from portraitlite.benchmarks.phone_results import phone_environment
from portraitlite.benchmarks.record import ModelFacts
from portraitlite.runtime.bundled import resolve_model

__all__ = ["run_official_on_phone"]

ENGINE = "benchmark_model"
HELP_LIMIT_S, RUN_LIMIT_S = 60.0, 1800.0
MAX_LINE = 2000


def run_official_on_phone(
    phone: Phone,
    program: Path,
    model: str | Path,
    *,
    runs: int = 50,
    warmup: int = 5,
    threads: int = 1,
    accelerator: str = "cpu",
    cpus: tuple[int, ...] | None = None,
    cool_s: float = DEFAULT_CAP_S,
    keep: bool = False,
) -> OfficialRun:
    """Run it once; what it reports as failed is a result too.

    Args:
        phone: where.
        program: for the phone's ABI.
        model: bundled name or path.
        runs, warmup, threads: as for `run_official`.
        accelerator, cpus, cool_s, keep: as in `PhoneSettings`.

    Raises:
        InputError: a file cannot be used, or the program is none of the known ones.
        DeviceError: the phone cannot be used, was lost, or is emulated: this program gives nothing but times.
    """
    facts = read_facts(phone)
    if facts.emulated is not None:
        raise DeviceError(f"{facts.name} is emulated ({facts.emulated}); benchmark_model would give times alone")
    check_abi(program, facts.abi or "an unknown ABI", script=True)
    start = read_state(phone)
    with RunFolder(phone, keep=keep) as folder:
        there = folder.put(program, executable=True)
        path = folder.put(resolve_model(model))
        said = folder.execute([there, "--help"], limit_s=HELP_LIMIT_S)
        kind = kind_from_help(program.name, f"{said.stdout}\n{said.stderr}")
        arguments = official_arguments(kind, path, runs=runs, warmup=warmup, threads=threads, accelerator=accelerator)
        cooled = cool_down(lambda: read_state(phone), start, cap_s=cool_s)
        words = [there, *arguments] if cpus is None else ["taskset", cpu_mask(cpus), there, *arguments]
        done = folder.execute(words, limit_s=RUN_LIMIT_S)
        after = read_state(phone)
    text = "\n".join(one_line(line, MAX_LINE) for line in f"{done.stdout}\n{done.stderr}".splitlines())
    result = official_result(text, done.code)
    throttled = [line for state in (cooled.state, after) if (line := state.throttled) is not None]
    return OfficialRun(
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        program=kind.value,
        program_sha256=hashlib.sha256(program.read_bytes()).hexdigest(),
        model=ModelFacts.of(*read_model(model)),
        threads=threads,
        runs=runs,
        warmup=warmup,
        exit_code=done.code,
        result=result,
        environment=phone_environment(facts, kind.value, cpus, cooled.state, after),
        phone=PhoneRun(
            unit=unit_of(phone.serial),
            adb=phone.adb.version,
            engine=ENGINE,
            engine_sha256=hashlib.sha256(program.read_bytes()).hexdigest(),
            library=None,
            accelerator=accelerator,
            delegation=None,
            cpus=None if cpus is None else cpu_mask(cpus),
            memory=None,
            facts=facts,
            rounds=(PhoneRound(result.runs or 0, cooled.waited_s, cooled.remark, cooled.state, after),),
            complete=not result.failed,
            throttled=tuple(dict.fromkeys(throttled)),
            emulated=False,
        ),
    )
