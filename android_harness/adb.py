"""The `adb` program: found, asked for its version, and called with bounds on time and output.

USB, keys, Wi-Fi pairing and several phones are its server's business. Its exit code is never enough: `adb connect` to a
closed port ends with 0, and so does `adb shell` of version 29 when the cable is pulled (`shell.py` knows better).
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from portraitlite.android_harness.bounded import Finished, call_bounded
from portraitlite.runtime.errors import MissingDependencyError

__all__ = ["ADB_VARIABLE", "AdbProgram", "find_adb"]

ADB_VARIABLE = "PORTRAITLITE_ADB"
CALL_LIMIT_S = 60.0


@dataclasses.dataclass(frozen=True)
class AdbProgram:
    """One `adb` on this machine.

    Attributes:
        path: of the program.
        version: as it states it: `29.0.6-debian`, `36.0.0-13206524`.
    """

    path: Path
    version: str

    def call(
        self,
        arguments: Sequence[str],
        *,
        timeout_s: float = CALL_LIMIT_S,
        stop: Callable[[], bool] = lambda: False,
    ) -> Finished:
        """Run it once, without a shell and without stdin.

        Args:
            arguments: as they are; whatever the device's shell reads must be quoted by the caller.
            timeout_s: how long it may take.
            stop: looked at twenty times a second; True ends the call as if it had taken too long.

        Raises:
            DeviceError: it took longer, wrote more than 8 MiB, or was stopped. It has been killed then.
            MissingDependencyError: it cannot be started.
        """
        said = " ".join(word for word in arguments if word != "-s")
        return call_bounded(self.path, arguments, what=f"adb {said}", timeout_s=timeout_s, stop=stop)


def find_adb(option: Path | None = None) -> AdbProgram:
    """`option`, else the environment variable PORTRAITLITE_ADB, else `adb` on the PATH.

    Raises:
        MissingDependencyError: there is none, or it is no adb.
    """
    named = str(option) if option is not None else os.environ.get(ADB_VARIABLE)
    found = shutil.which(named or "adb")
    if found is None:
        raise MissingDependencyError(
            f"{named or 'adb'} is no program here; install Android's platform-tools (Debian: apt-get install adb), "
            f"or name the program with --adb or {ADB_VARIABLE}"
        )
    path = Path(found)
    done = call_bounded(path, ["version"], what=f"{path} version", timeout_s=CALL_LIMIT_S)
    match = re.search(r"^Version (\S+)$", done.stdout, re.MULTILINE)
    if "Android Debug Bridge" not in done.stdout or match is None:
        raise MissingDependencyError(f"{path} is no adb (it says {done.said[:80]!r}); name another with --adb")
    return AdbProgram(path, match[1][:60])
