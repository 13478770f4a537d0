"""One phone from the first question to the records; `phone.py` has the functions to call."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from portraitlite.android_harness.cooling import DEFAULT_CAP_S, cool_down
from portraitlite.android_harness.cores import cpu_mask
from portraitlite.android_harness.device_errors import DeviceError, DeviceLostError
from portraitlite.android_harness.devices import unit_of
from portraitlite.android_harness.elf import check_abi, elf_abi
from portraitlite.android_harness.facts import PhoneFacts, PhoneState, read_facts, read_state
from portraitlite.android_harness.phone_harness import HarnessAnswer, run_harness
from portraitlite.android_harness.run_folder import RunFolder
from portraitlite.android_harness.shell import Phone
from portraitlite.benchmarks.emulated_run import EmulatedRun
from portraitlite.benchmarks.phone_jobs import Job, JobMaker, Options
from portraitlite.benchmarks.phone_library import OpenLibrary, open_library
from portraitlite.benchmarks.phone_record import PhoneRound
from portraitlite.benchmarks.phone_results import PhoneContext, PhoneTurn, emulated_run, latency_ms, phone_record
from portraitlite.benchmarks.run_set import RunSet
from portraitlite.benchmarks.schedule import Schedule
from portraitlite.benchmarks.stages import Stage
from portraitlite.runtime.errors import InputError, PortraitLiteError

__all__ = ["PhoneMeasurement", "PhoneResult", "PhoneSettings", "RoundsDone"]

SEED = 0
ROUNDS = 5
MAX_TURN_S, MARGIN_S = 600, 300.0  # of the timed runs; for loading, compiling and warming up besides
RoundsDone = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class PhoneSettings:
    """How to measure on a phone.

    Attributes:
        harness: the native program, built for the phone.
        library: LiteRT's, for the phone.
        accept_library: sha256 of a library that the lock does not list.
        accelerator: `cpu`, `gpu` or `npu`.
        cpus: stay on these cores; None: wherever the phone likes.
        rounds: how often each configuration has its turn; None: as many as there are runs, at most 5.
        cool_s: longest wait before each turn.
        keep: leave our folder on the phone, and files for the next run.
    """

    harness: Path
    library: Path
    accept_library: str | None = None
    accelerator: str = "cpu"
    cpus: tuple[int, ...] | None = None
    rounds: int | None = None
    cool_s: float = DEFAULT_CAP_S
    keep: bool = False


@dataclasses.dataclass(frozen=True)
class PhoneResult:
    """What one phone gave.

    Attributes:
        unit: tells phones apart, see `unit_of`.
        name: how people call it; its serial where it did not even say that.
        run: the records; None where nothing was measured.
        emulated: records without figures, of an emulated phone.
        error: what ended it early; what there was by then is in the records, marked as not complete.
    """

    unit: str
    name: str
    run: RunSet | None
    emulated: tuple[EmulatedRun, ...]
    error: PortraitLiteError | None


class PhoneMeasurement:
    """One phone from the first question to the records."""

    def __init__(
        self,
        phone: Phone,
        schedule: Schedule,
        settings: PhoneSettings,
        progress: RoundsDone | None,
        stop: threading.Event,
    ) -> None:
        self._phone, self._schedule, self._settings = phone, schedule, settings
        self._progress, self._stop = progress, stop
        self._facts: PhoneFacts | None = None
        self._library: OpenLibrary | None = None
        self._folder: RunFolder | None = None
        self._program = ""
        self._jobs: list[Job] = []
        self._turns: list[list[PhoneTurn]] = []
        self._shares: list[Schedule] = []
        self._rounds = 0

    def look(self) -> None:
        """Whether this phone can run these files at all; nothing is sent yet."""
        self._shares = _shares(self._schedule, self._settings.rounds or min(ROUNDS, self._schedule.runs))
        self._facts = facts = read_facts(self._phone)
        if facts.abi is None:
            raise DeviceError(f"{self._phone.serial} does not say its ABI ({facts.unavailable['abi']}); restart it")
        check_abi(self._settings.harness, facts.abi, script=True)
        built_for = elf_abi(self._settings.harness) or facts.abi
        self._library = open_library(self._settings.library, built_for, accept=self._settings.accept_library)
        known = {cpu for cluster in facts.clusters or () for cpu in cluster.cpus}
        if self._settings.cpus is not None and known and not set(self._settings.cpus) <= known:
            raise InputError(f"{facts.name} has the cores {sorted(known)}; choose --cpus from these")

    def prepare(
        self,
        folder: RunFolder,
        pairs: Sequence[tuple[str | Path, int]],
        stage: Stage,
        photo_size: tuple[int, int] | None,
    ) -> None:
        """Send everything; an unlisted library has to pass its test."""
        assert self._library is not None
        self._folder = folder
        self._program = folder.put(self._settings.harness, executable=True)
        library = folder.put(self._settings.library)
        self._library = self._library.tested(folder, self._program, library)
        shared: Options = (("library", library), ("accelerator", self._settings.accelerator))
        if self._settings.cpus is not None:
            shared = (*shared, ("cpus", cpu_mask(self._settings.cpus)))
        maker = JobMaker(folder, self._program, shared, seed=SEED)
        self._jobs = [maker.make(model, stage, threads=count, photo_size=photo_size) for model, count in pairs]

    def take_turns(self) -> None:
        """All rounds, or until something goes wrong; a round counts when all had their turn."""
        assert self._facts is not None
        start = read_state(self._phone)
        self._turns = [[] for _ in self._jobs]
        if self._facts.emulated is not None:
            # Nothing is measured, so that one run of each is enough.
            self._rounds = 1
            for number, job in enumerate(self._jobs):
                self._turn(number, job, Schedule(runs=1, warmup=0), start, cool_s=0.0)
            return
        self._rounds = len(self._shares)
        for share in self._shares:
            for number, job in enumerate(self._jobs):
                if self._stop.is_set():
                    return
                self._turn(number, job, share, start, cool_s=self._settings.cool_s)
                if self._progress is not None:
                    done = sum(map(len, self._turns))
                    self._progress(self._facts.name, done, self._rounds * len(self._jobs))

    def _turn(self, number: int, job: Job, share: Schedule, start: PhoneState, *, cool_s: float) -> None:
        assert self._folder is not None
        cooled = cool_down(lambda: read_state(self._phone), start, cap_s=cool_s)
        options = [
            *job.options,
            ("warm-up", str(share.warmup + 1)),  # the very first run is told apart from the warm-ups
            ("runs", str(share.runs)),
            ("min-seconds", f"{share.min_seconds:g}"),
            ("max-seconds", str(MAX_TURN_S)),
        ]
        answer: HarnessAnswer = run_harness(
            self._folder, self._program, job.mode, options, limit_s=MAX_TURN_S + MARGIN_S
        )
        after = read_state(self._phone)
        if after.start != start.start:
            raise DeviceLostError(f"{self._phone.serial} was restarted in the middle of the run; measure again")
        runs = len(latency_ms(answer, job, self._settings.accelerator))
        remark = None if self._facts is not None and self._facts.emulated else cooled.remark
        round_ = PhoneRound(runs, cooled.waited_s, remark, cooled.state, after)
        self._turns[number].append(PhoneTurn(answer, round_))

    def result(self, error: PortraitLiteError | None) -> PhoneResult:
        """What there is; a configuration that never had its turn is left out."""
        unit = unit_of(self._phone.serial)
        if self._facts is None or self._library is None:
            return PhoneResult(unit, self._phone.serial, None, (), error)
        measured = [(job, turns) for job, turns in zip(self._jobs, self._turns, strict=False) if turns]
        context = PhoneContext(
            unit=unit,
            adb=self._phone.adb.version,
            harness=self._settings.harness,
            library=self._library,
            accelerator=self._settings.accelerator,
            cpus=self._settings.cpus,
            facts=self._facts,
            schedule=self._schedule,
            rounds=self._rounds,
            contestants=len(self._jobs),
            seed=SEED,
        )
        if self._facts.emulated is not None:
            emulated = tuple(emulated_run(context, job, turns) for job, turns in measured)
            return PhoneResult(unit, self._facts.name, None, emulated, error)
        records = tuple(phone_record(context, job, turns) for job, turns in measured)
        run = None
        if records:
            run = RunSet(records, context.compare([job for job, _ in measured], [turns for _, turns in measured]))
        return PhoneResult(unit, self._facts.name, run, (), error)


def _shares(schedule: Schedule, rounds: int) -> list[Schedule]:
    """The schedule in rounds: as many runs in all, and as long in all."""
    if not 1 <= rounds <= schedule.runs:
        raise InputError(f"{rounds} rounds for {schedule.runs} runs; give 1 to {schedule.runs}")
    each, more = divmod(schedule.runs, rounds)
    return [
        dataclasses.replace(schedule, runs=each + (i < more), min_seconds=schedule.min_seconds / rounds)
        for i in range(rounds)
    ]
