"""The verb `parity`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from portraitlite.android_harness.phone_harness import Accelerator
from portraitlite.runtime.console import native_stderr_silenced, print_json, progress_bar, say
from portraitlite.runtime.errors import CheckFailedError, InputError

if TYPE_CHECKING:
    from portraitlite.benchmarks.parity_record import ParityRecord

__all__ = ["parity", "register"]

DESKTOP = "desktop"
MADE_SIZE = (640, 480)
DIFFERENCE_GAIN = 64


def parity(
    model: Annotated[str, typer.Argument(metavar="MODEL", help=".tflite file or bundled model's name.")],
    harness: Annotated[Path, typer.Option("--harness", help="The native program, for the device.")],
    litert: Annotated[Path, typer.Option("--litert", help="libLiteRt.so for it.")],
    device: Annotated[
        str, typer.Option("--device", help="adb, adb:SERIAL, or desktop with a host build of the program.")
    ] = "adb",
    photos: Annotated[
        list[Path] | None, typer.Option("--photo", help="Photo to try, several times; a made one if left out.")
    ] = None,
    min_labels: Annotated[
        float, typer.Option("--min-labels", min=0, max=100, help="Least share of equal labels in percent.")
    ] = 99.9,
    max_lsb: Annotated[
        int, typer.Option("--max-lsb", min=0, max=255, help="Largest difference of the picture in 8-bit steps.")
    ] = 2,
    accelerator: Annotated[Accelerator, typer.Option("--accelerator", help="What runs the model.")] = Accelerator.CPU,
    accept_library: Annotated[
        str | None, typer.Option("--accept-library", metavar="SHA256", help="Try an unlisted library.")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option("--pictures", help="Folder for both pictures and their difference; made if missing.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave files on the phone, for the next run.")] = False,
    adb: Annotated[Path | None, typer.Option("--adb", help="The adb program.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Record to write: .json.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite outputs.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the record on stdout instead of a table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notices.")] = False,
) -> None:
    """Compare a phone with Python stage by stage; exit code 1 where labels or picture differ by more than allowed."""
    from portraitlite.android_harness.adb import find_adb
    from portraitlite.android_harness.devices import choose_devices
    from portraitlite.android_harness.shell import Phone
    from portraitlite.benchmarks.parity_record import save_parity
    from portraitlite.benchmarks.parity_run import ParitySettings, run_parity
    from portraitlite.benchmarks.parity_stages import ParityGate
    from portraitlite.benchmarks.stages import made_photo
    from portraitlite.runtime.photo import load_photo
    from portraitlite.runtime.save import check_target

    if output is not None:
        check_target(output, force=force)
    phone = None
    if device != DESKTOP:
        found = find_adb(adb)
        chosen = choose_devices(found, device)
        if len(chosen) != 1:
            raise InputError("parity takes one phone at a time; give --device adb:SERIAL")
        phone = Phone(found, chosen[0].serial)
    named = [(path.name, load_photo(path).pixels) for path in photos or ()]
    settings = ParitySettings(
        harness,
        litert,
        accept_library=accept_library,
        accelerator=accelerator.value,
        keep=keep,
        gate=ParityGate(min_labels, max_lsb),
    )
    with native_stderr_silenced(), progress_bar(quiet=quiet) as move:
        record = run_parity(
            phone,
            model,
            named or [("made photo", made_photo(MADE_SIZE))],
            settings,
            progress=move,
            keep=None if pictures is None else _picture_saver(pictures, force=force),
        )
    if output is not None:
        save_parity(output, record, force=force)
    if json:
        print_json(record.to_dict())
    else:
        _print(record)
    if record.emulated:
        say("notice: the phone is emulated; what comes out is compared, how fast is not", quiet=quiet)
    if record.failures:
        raise CheckFailedError("; ".join(record.failures)[:600])


def _picture_saver(folder: Path, *, force: bool) -> Callable[[str, str, Any], None]:
    """Saves NAME-desktop.png, NAME-phone.png and NAME-difference.png, the last one amplified."""
    import io

    import numpy as np
    from PIL import Image

    from portraitlite.runtime.save import write_atomically

    folder.mkdir(exist_ok=True)
    first: dict[str, Any] = {}

    def write(name: str, pixels: Any) -> None:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        write_atomically(folder / f"{name}.png", stream.getvalue(), force=force)

    def save(photo: str, side: str, pixels: Any) -> None:
        stem = Path(photo).stem.replace(" ", "-")
        write(f"{stem}-{side}", pixels)
        if side == "desktop":
            first[photo] = pixels
            return
        distance = np.abs(pixels.astype(np.int16) - first.pop(photo).astype(np.int16))
        write(f"{stem}-difference", np.clip(distance * DIFFERENCE_GAIN, 0, 255).astype(np.uint8))

    return save


def _print(record: ParityRecord) -> None:
    from rich.console import Console
    from rich.table import Table

    where = "a host build" if record.phone is None else record.phone.name
    table = Table(
        title=f"{record.model.name}: {where} against Python",
        caption=f"Python: {record.desktop_runtime}; there: {record.accelerator}, LiteRT "
        f"{record.library.version or record.library.sha256[:12]}; allowed: {record.gate.min_labels_percent:g} % of "
        f"labels equal or more, picture within {record.gate.max_picture_steps} steps",
    )
    for name in ("photo", "stage", "equal %", "largest difference", "on borders %"):
        table.add_column(name, justify="left" if name in ("photo", "stage") else "right", overflow="fold")
    for photo in record.photos:
        for number, stage in enumerate(photo.stages):
            borders = "" if stage.on_borders_share is None else f"{100 * stage.on_borders_share:.1f}"
            name = f"{photo.photo}, {photo.width}x{photo.height}" if number == 0 else ""
            table.add_row(name, stage.stage, f"{100 * stage.equal_share:.4f}", f"{stage.largest:.3g}", borders)
    Console(markup=False).print(table)


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("parity")(parity)
