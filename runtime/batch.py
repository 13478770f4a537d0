"""One verb over one or many photos: the files it writes, one model per process, and what becomes of failures.

A verb gives an `OpenWorker`, a picklable function (`functools.partial` of a module's function with the options) that
loads the model and returns the function for one photo:

    run_photos(inputs, output, partial(_open, model, threads), suffix_of=lambda photo: ".png",
               check=partial(check_output, force=force), jobs=jobs, resume=resume, json=json, quiet=quiet)
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from portraitlite.runtime.batch_plan import PhotoTask, plan_outputs
from portraitlite.runtime.console import native_stderr_silenced, print_json, progress_bar, say
from portraitlite.runtime.errors import CheckFailedError, PortraitLiteError
from portraitlite.runtime.save import remove_leftovers
from portraitlite.runtime.worker_pool import WorkerDied, cpu_count, run_in_processes

__all__ = ["OpenWorker", "PhotoDone", "PhotoWorker", "Progress", "run_photos"]


@dataclasses.dataclass(frozen=True)
class PhotoDone:
    """What a verb did to one photo; travels between processes.

    Attributes:
        document: for `--json`.
        summary: one line for people.
        notices: one-line remarks about the photo.
    """

    document: dict[str, Any]
    summary: str
    notices: tuple[str, ...] = ()


Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total)."""
PhotoWorker = Callable[[Path, Path, Progress], PhotoDone]
"""Makes the output (second) of the photo (first); the file appears whole or not at all."""
OpenWorker = Callable[[], PhotoWorker]
"""Loads the model; called once in each process."""

_Attempt = Callable[[PhotoTask], PhotoDone | str]


def run_photos(
    inputs: Sequence[Path],
    output: Path,
    open_worker: OpenWorker,
    *,
    suffix_of: Callable[[Path], str],
    check: Callable[[Path], None],
    jobs: int | None,
    resume: bool,
    json: bool,
    quiet: bool,
) -> None:
    """Run a verb and report on it, as the command line does.

    One photo and an output with a suffix (or a verb that writes a folder for each photo) is done here and now, and its
    errors are raised. Everything else goes photo by photo into the folder `output`, which is made if need be: failures
    stop nothing and are listed at the end.

    Args:
        inputs: photos and folders of photos.
        output: a file, or a folder for many.
        open_worker: loads the model; picklable.
        suffix_of: the suffix of a photo's output, "" for a folder.
        check: raises InputError for an output that could not be written or exists already; picklable.
        jobs: processes; None takes one for each CPU, 1 works in this process.
        resume: skip photos whose output exists.
        json, quiet: what to print.

    Raises:
        InputError: no photos, or an output that cannot hold them.
        CheckFailedError: some photos failed; they have been listed on stderr.
    """
    one_file = len(inputs) == 1 and not inputs[0].is_dir()
    if one_file and (output.suffix or not suffix_of(inputs[0])):
        _run_one(PhotoTask(inputs[0], output), open_worker, check, resume=resume, json=json, quiet=quiet)
        return
    tasks = plan_outputs(inputs, output, suffix_of)
    skipped, open_tasks = list[PhotoTask](), list[PhotoTask]()
    for task in tasks:
        (skipped if resume and task.output.exists() else open_tasks).append(task)
    if skipped:
        say(f"{len(skipped)} of {len(tasks)} photos are done already", quiet=quiet)
    done: list[PhotoDone] = []
    failures: list[tuple[PhotoTask, str]] = []
    with progress_bar(quiet=quiet) as move:
        for task, outcome in _run_many(open_tasks, functools.partial(_start, open_worker, check), jobs):
            if isinstance(outcome, str):
                failures.append((task, outcome))
            else:
                done.append(outcome)
                for notice in outcome.notices:
                    say(f"{task.photo}: {notice}", quiet=quiet)
                if not json:
                    say(outcome.summary, quiet=quiet)
            move("photos", len(done) + len(failures), len(open_tasks))
    if json:
        print_json(
            {
                "photos": len(tasks),
                "results": sorted((one.document for one in done), key=lambda document: str(document.get("input"))),
                "skipped": [{"input": str(task.photo), "output": str(task.output)} for task in skipped],
                "failures": [
                    {"input": str(task.photo), "output": str(task.output), "error": reason}
                    for task, reason in sorted(failures)
                ],
            }
        )
    for _, reason in sorted(failures):
        say(f"failed: {reason}")
    if failures:
        raise CheckFailedError(
            f"{len(failures)} of {len(tasks)} photos failed, see the list above; mend them and run again with --resume"
        )


def _run_one(
    task: PhotoTask, open_worker: OpenWorker, check: Callable[[Path], None], *, resume: bool, json: bool, quiet: bool
) -> None:
    if resume and task.output.exists():
        say(f"{task.output} is done already", quiet=quiet)
        if json:
            print_json({"input": str(task.photo), "output": str(task.output), "skipped": True})
        return
    check(task.output)
    with native_stderr_silenced():
        worker = open_worker()
    with progress_bar(quiet=quiet) as move:
        done = worker(task.photo, task.output, move)
    for notice in done.notices:
        say(notice, quiet=quiet)
    if json:
        print_json(done.document)
    else:
        say(done.summary, quiet=quiet)


def _run_many(
    tasks: Sequence[PhotoTask], start: Callable[[], _Attempt], jobs: int | None
) -> Iterator[tuple[PhotoTask, PhotoDone | str]]:
    if not tasks:
        return
    processes = min(jobs or cpu_count(), len(tasks))
    if processes == 1:
        attempt = start()
        for task in tasks:
            yield task, attempt(task)
        return
    for task, outcome in run_in_processes(start, tasks, processes):
        if isinstance(outcome, WorkerDied):
            remove_leftovers(task.output)
            yield task, f"{task.photo}: {outcome}"
        else:
            yield task, outcome


def _start(open_worker: OpenWorker, check: Callable[[Path], None]) -> _Attempt:
    with native_stderr_silenced():
        worker = open_worker()
    return functools.partial(_attempt, worker, check)


def _attempt(worker: PhotoWorker, check: Callable[[Path], None], task: PhotoTask) -> PhotoDone | str:
    """The result, or why there is none."""
    try:
        task.output.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(task.output)
        check(task.output)
        return worker(task.photo, task.output, lambda stage, done, total: None)
    except PortraitLiteError as error:
        reason = " ".join(str(error).split())
        return reason if str(task.photo) in reason else f"{task.photo}: {reason}"
    except OSError as error:
        return f"{task.photo}: {error.strerror or error} ({task.output})"
    except MemoryError:
        return f"{task.photo} does not fit into memory: use fewer --jobs or a smaller photo"
    except Exception as error:  # whatever one photo does, the others go on
        return f"{task.photo}: unexpected {type(error).__name__}: {' '.join(str(error).split())[:200]}"
