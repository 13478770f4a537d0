"""The harness's documents of all turns -> run records."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import portraitlite
from portraitlite.android_harness.cores import cpu_mask
from portraitlite.android_harness.device_errors import PhoneProgramError
from portraitlite.android_harness.facts import PhoneFacts, PhoneState
from portraitlite.android_harness.phone_harness import HarnessAnswer
from portraitlite.benchmarks.desktop import noise_warnings
from portraitlite.benchmarks.emulated_run import EmulatedRun
from portraitlite.benchmarks.environment import Environment, MachineState
from portraitlite.benchmarks.phone_jobs import Job
from portraitlite.benchmarks.phone_library import OpenLibrary
from portraitlite.benchmarks.phone_record import PhoneMemory, PhoneRound, PhoneRun
from portraitlite.benchmarks.record import Configuration, Figures, RunRecord
from portraitlite.benchmarks.run_set import Turns
from portraitlite.benchmarks.schedule import Schedule
from portraitlite.benchmarks.stages import Stage
from portraitlite.benchmarks.statistics import paired_ratio, stability, summarize

__all__ = ["DEVICE", "PhoneContext", "PhoneTurn", "emulated_run", "latency_ms", "phone_environment", "phone_record"]

DEVICE, ENGINE, BACKEND = "adb", "harness", "litert"
DELEGATIONS = ("full", "partial_or_none", "unavailable")


@dataclasses.dataclass(frozen=True)
class PhoneTurn:
    """One answer of the harness, and the phone around it."""

    answer: HarnessAnswer
    round: PhoneRound


@dataclasses.dataclass(frozen=True)
class PhoneContext:
    """What all records of one phone share; attributes as in `PhoneRun` and `Configuration`."""

    unit: str
    adb: str
    harness: Path
    library: OpenLibrary
    accelerator: str
    cpus: tuple[int, ...] | None
    facts: PhoneFacts
    schedule: Schedule
    rounds: int
    contestants: int
    seed: int

    def compare(self, jobs: Sequence[Job], turns: Sequence[Sequence[PhoneTurn]]) -> tuple[Turns, ...]:
        """Every configuration but the first against it: run by run within each round, as far as both ran."""
        lists = [
            [latency_ms(turn.answer, job, self.accelerator) for turn in own]
            for job, own in zip(jobs, turns, strict=True)
        ]
        found = []
        for number, own in enumerate(lists[1:], 1):
            pairs = [
                pair for mine, first in zip(own, lists[0], strict=False) for pair in zip(mine, first, strict=False)
            ]
            ratio = paired_ratio([mine for mine, _ in pairs], [first for _, first in pairs], seed=self.seed)
            found.append(Turns(number, ratio))
        return tuple(found)


def latency_ms(answer: HarnessAnswer, job: Job, accelerator: str) -> tuple[float, ...]:
    """The timed runs: of `invoke` on the CPU the inference alone, as on the desktop, else all that the stage does.

    Raises:
        PhoneProgramError: there are none, or not as many as there are starts.
    """
    total = answer.numbers("timing", "total_ms")
    invoke = answer.numbers("timing", "stages_ms", "invoke") if job.stage is Stage.INVOKE else total
    if not total or len(invoke) != len(total) or min(total) <= 0:
        raise PhoneProgramError("the harness's document has no usable times; build it again for this version")
    return invoke if accelerator == "cpu" and min(invoke) > 0 else total


def phone_record(context: PhoneContext, job: Job, turns: Sequence[PhoneTurn]) -> RunRecord:
    """The record of a configuration that had at least one turn."""
    taken = tuple(value for turn in turns for value in latency_ms(turn.answer, job, context.accelerator))
    first = turns[0].answer
    warm_up = first.numbers("timing", "warm_up_ms")
    load_ms = sum(
        (model.number("load_ms") or 0.0) + (model.number("compile_ms") or 0.0) for model in first.items("models")
    )
    statistics, steadiness = summarize(taken), stability(taken)
    environment, phone = _environment(context, turns), _phone_run(context, turns, emulated=False)
    noise = noise_warnings(statistics, environment, job.threads, steadiness)
    return RunRecord(
        created=_now(),
        model=job.model,
        configuration=_configuration(context, job, runs=len(taken), warmup=context.schedule.warmup),
        figures=Figures(load_ms, warm_up[0] if warm_up else taken[0], statistics, steadiness, None, taken),
        environment=environment,
        phone=phone,
        warnings=(*noise, *_warnings(phone, turns, context.rounds)),
    )


def emulated_run(context: PhoneContext, job: Job, turns: Sequence[PhoneTurn]) -> EmulatedRun:
    """The record of a configuration that ran where times mean nothing."""
    phone = _phone_run(context, turns, emulated=True)
    why = f"emulated ({context.facts.emulated}): times and memory mean nothing and are left out"
    return EmulatedRun(
        created=_now(),
        model=job.model,
        configuration=_configuration(context, job, runs=len(turns), warmup=0),
        environment=_environment(context, turns),
        phone=phone,
        warnings=(why, *_warnings(phone, turns, context.rounds)),
    )


def phone_environment(
    facts: PhoneFacts, backend_version: str, cpus: tuple[int, ...] | None, before: PhoneState, after: PhoneState
) -> Environment:
    """The phone as a machine; only the versions of Python and its packages are of this one.

    Args:
        facts: the phone.
        backend_version: of what ran the model.
        cpus: that were allowed; None is unknown.
        before, after: the phone around the run.
    """
    governors = {cpu: cluster.governor for cluster in facts.clusters or () for cpu in cluster.cpus}
    known = [governors.get(cpu) for cpu in cpus or ()]
    governor = tuple(name for name in known if name is not None)
    values = {
        "cpu_model": (facts.soc, facts.unavailable.get("soc")),
        "cpu_features": (facts.cpu_features, facts.unavailable.get("cpu_features")),
        "cpu_count": (facts.cpus, facts.unavailable.get("cpus")),
        "cpu_affinity": (cpus, "the program does not say"),
        "cpu_governor": (governor if governor and len(governor) == len(known) else None, "not all cores show one"),
        "memory_total_bytes": (facts.memory_total_bytes, facts.unavailable.get("memory_total_bytes")),
    }
    return Environment(
        portraitlite=portraitlite.__version__,
        python=platform.python_version(),
        numpy=metadata.version("numpy"),
        backend_version=backend_version,
        os=f"Android {facts.android or 'unknown'} (API {facts.sdk or 'unknown'}), Linux {facts.kernel or 'unknown'}",
        architecture=facts.machine or facts.abi or "unknown",
        before=_machine_state(before),
        after=_machine_state(after),
        unavailable={name: reason or "unknown" for name, (value, reason) in values.items() if value is None},
        **{name: value for name, (value, _) in values.items()},  # type: ignore[arg-type]
    )


def _environment(context: PhoneContext, turns: Sequence[PhoneTurn]) -> Environment:
    before, after = turns[0].round.before, turns[-1].round.after
    return phone_environment(context.facts, context.library.name, _allowed(turns), before, after)


def _machine_state(state: PhoneState) -> MachineState:
    why = {
        "load_average_1min": "on Android it counts sleeping kernel threads; see the phone's own state",
        "cpu_mhz": "see the phone's own state, cluster by cluster",
    }
    if state.memory_available_bytes is None:
        why["memory_available_bytes"] = state.unavailable["memory_available_bytes"]
    return MachineState(None, None, state.memory_available_bytes, why)


def _configuration(context: PhoneContext, job: Job, *, runs: int, warmup: int) -> Configuration:
    return Configuration(
        device=DEVICE,
        backend=BACKEND,
        delegate=context.accelerator,
        threads=job.threads,
        rule=context.schedule.rule.value,
        runs=runs,
        warmup=warmup,
        contestants=context.contestants,
        seed=context.seed,
        scope=job.stage.value,
        photo_size=job.photo_size,
    )


def _phone_run(context: PhoneContext, turns: Sequence[PhoneTurn], *, emulated: bool) -> PhoneRun:
    last = turns[-1].answer
    found = {model.text("delegation") for model in last.items("models")}
    # The weakest counts where several models run.
    delegation = next((name for name in reversed(DELEGATIONS) if name in found), None)
    throttled = [state.throttled for turn in turns for state in (turn.round.before, turn.round.after)]
    return PhoneRun(
        unit=context.unit,
        adb=context.adb,
        engine=ENGINE,
        engine_sha256=hashlib.sha256(context.harness.read_bytes()).hexdigest(),
        library=context.library.facts,
        accelerator=context.accelerator,
        delegation=delegation,
        cpus=None if context.cpus is None else cpu_mask(context.cpus),
        memory=None if emulated else _memory(last),
        facts=context.facts,
        rounds=tuple(turn.round for turn in turns),
        complete=len(turns) == context.rounds,
        throttled=tuple(dict.fromkeys(line for line in throttled if line is not None)),
        emulated=emulated,
    )


def _memory(answer: HarnessAnswer) -> PhoneMemory:
    names = ("peak_before_load_bytes", "peak_before_compile_bytes", "peak_after_compile_bytes", "peak_bytes")
    values = [answer.number("memory", name) for name in names]
    return PhoneMemory(*(None if value is None else int(value) for value in values))


def _warnings(phone: PhoneRun, turns: Sequence[PhoneTurn], rounds: int) -> tuple[str, ...]:
    found = [f"the phone slows itself down: {line}" for line in phone.throttled]
    remarks = dict.fromkeys(turn.round.remark for turn in turns if turn.round.remark is not None)
    found += [f"the phone was not known to be cool: {remark}" for remark in remarks]
    if not phone.complete:
        found.append(f"only {len(turns)} of {rounds} rounds ran; the figures are of these")
    if phone.delegation == "unavailable":
        found.append(f"no {phone.accelerator} took the model: all of it ran on the CPU")
    elif phone.accelerator != "cpu" and phone.delegation != "full":
        found.append(f"the {phone.accelerator} took only a part of the model, or it does not say")
    allowed = turns[-1].answer.text("cpus", "allowed")
    if phone.cpus is not None and allowed != phone.cpus:
        found.append(f"the phone allowed the CPUs {allowed or 'unknown'} and not {phone.cpus}")
    if any(turn.answer.values.get("timing", {}).get("stopped_early") is True for turn in turns):
        found.append("a turn was stopped at its time limit, with fewer runs than asked for")
    return tuple(found)


def _allowed(turns: Sequence[PhoneTurn]) -> tuple[int, ...] | None:
    text = turns[-1].answer.text("cpus", "allowed")
    try:
        mask = int(text or "", 16)
    except ValueError:
        return None
    return tuple(cpu for cpu in range(min(mask.bit_length(), 256)) if mask >> cpu & 1) or None


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
