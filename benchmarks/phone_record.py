"""What a run record says beside the rest when a phone was measured."""

from __future__ import annotations

import dataclasses

from portraitlite.android_harness.facts import PhoneFacts, PhoneState

__all__ = ["LibraryFacts", "PhoneMemory", "PhoneRound", "PhoneRun"]


@dataclasses.dataclass(frozen=True)
class LibraryFacts:
    """The LiteRT library that ran.

    Attributes:
        sha256: hexadecimal.
        version: as the lock states it; None for one that is not listed.
        accepted: whether the user vouched for it, because it is not listed.
        self_test: how the tiny model of known answer went, for one that is not listed; None where it was not needed.
    """

    sha256: str
    version: str | None
    accepted: bool
    self_test: str | None


@dataclasses.dataclass(frozen=True)
class PhoneMemory:
    """Peak resident memory of the process in bytes (`VmHWM`, library and model pages included); None is unknown.

    Attributes:
        before_load_bytes, before_compile_bytes, after_compile_bytes: until then.
        peak_bytes: until the end.
    """

    before_load_bytes: int | None
    before_compile_bytes: int | None
    after_compile_bytes: int | None
    peak_bytes: int | None


@dataclasses.dataclass(frozen=True)
class PhoneRound:
    """One of the times that it was this configuration's turn.

    Attributes:
        runs: timed ones in it.
        waited_s: for the phone to cool down.
        remark: why the phone was not cool then, or not known to be; None for a cool one.
        before, after: the phone around it.
    """

    runs: int
    waited_s: float
    remark: str | None
    before: PhoneState
    after: PhoneState


@dataclasses.dataclass(frozen=True)
class PhoneRun:
    """How a configuration ran on a phone.

    Attributes:
        unit: tells phones apart; made from the serial number, which stays out of records.
        adb: version of the `adb` program.
        engine: `harness` or `benchmark_model`.
        engine_sha256: of the program.
        library: None where the engine brings its own.
        accelerator: as asked for: `cpu`, `gpu`, `npu`.
        delegation: how much it took: `full`, `partial_or_none`, `unavailable`; None is unknown.
        cpus: the hexadecimal mask that was allowed; None: all.
        memory: None where the engine does not say.
        facts: the phone.
        rounds: in the order they ran.
        complete: False where the phone was lost, or a run failed, before the last round.
        throttled: how the phone slowed itself down, one line each; empty where it showed nothing.
        emulated: True: no figure of time or memory means anything.
    """

    unit: str
    adb: str
    engine: str
    engine_sha256: str
    library: LibraryFacts | None
    accelerator: str
    delegation: str | None
    cpus: str | None
    memory: PhoneMemory | None
    facts: PhoneFacts
    rounds: tuple[PhoneRound, ...]
    complete: bool
    throttled: tuple[str, ...]
    emulated: bool
