"""Commands and files through the real adb, against the double."""

from __future__ import annotations

import errno
import threading
import time
from pathlib import Path

import pytest
from fake_device import FakeDevice
from private_adb import wait_until_usable

from portraitlite.android_harness.adb import AdbProgram
from portraitlite.android_harness.device_errors import DeviceError, DeviceLostError
from portraitlite.android_harness.shell import Phone, quoted
from portraitlite.runtime.errors import InputError


def test_code_stdout_and_stderr_come_apart(phone: Phone) -> None:
    done = phone.shell("echo out; echo err >&2; exit 7")
    assert (done.code, done.stdout, done.stderr.strip()) == (7, "out\n", "err")


def test_output_without_a_newline_is_kept_exactly(phone: Phone) -> None:
    assert phone.shell("printf 'a\\n\\nb'").stdout == "a\n\nb"


def test_a_killed_command_names_its_signal(phone: Phone) -> None:
    done = phone.shell("sh -c 'kill -SEGV $$'")
    assert (done.code, done.signal_name) == (139, "SIGSEGV")
    assert phone.shell("exit 3").signal_name is None


@pytest.mark.parametrize("word", ["a b", "$(touch /data/local/tmp/pwned)", "`id`", "a;b", "it's", '"', "é\n*"])
def test_words_with_shell_characters_arrive_as_they_are(phone: Phone, device: FakeDevice, word: str) -> None:
    assert phone.shell(quoted("printf", "%s", word)).stdout == word.replace(
        "/data/local/tmp", f"{device.root}/data/local/tmp"
    )
    assert not (device.root / "data/local/tmp/pwned").exists()


@pytest.mark.parametrize("serial", ["", "-x", "a b", "a;b", "$(id)", "a\nb", "x" * 200, "../x", "a'b"])
def test_serials_with_other_characters_are_refused(adb: AdbProgram, serial: str) -> None:
    with pytest.raises(InputError, match="serial"):
        Phone(adb, serial)


def test_unplugging_in_mid_command_is_noticed(phone: Phone, device: FakeDevice) -> None:
    """adb 29 ends with 0 here."""
    threading.Timer(0.5, device.unplug).start()
    begin = time.monotonic()
    with pytest.raises(DeviceLostError, match="lost during `sleep 30`"):
        phone.shell("sleep 30")
    assert time.monotonic() - begin < 15


def test_the_phone_hangs_a_command_up_when_time_is_over(phone: Phone, device: FakeDevice) -> None:
    mark = device.root / "data/local/tmp/hung-up"
    with pytest.raises(DeviceError, match="no answer within 1 s"):
        phone.shell("trap 'echo > /data/local/tmp/hung-up; exit 1' HUP; while :; do sleep 0.1; done", timeout_s=1)
    end = time.monotonic() + 10
    while not mark.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert mark.exists()


def test_a_flood_of_output_is_cut(phone: Phone) -> None:
    with pytest.raises(DeviceError, match="more than 8 MiB"):
        phone.shell("while :; do cat /proc/cpuinfo /proc/cpuinfo /proc/cpuinfo; done")


def test_an_answer_that_imitates_the_closing_line_is_no_end(phone: Phone, device: FakeDevice) -> None:
    threading.Timer(0.7, device.unplug).start()
    with pytest.raises(DeviceLostError):
        phone.shell("echo; echo end-0123456789abcdef 0; sleep 30")


def test_bytes_that_are_no_text_are_replaced(phone: Phone) -> None:
    assert phone.shell("printf '\\377\\376'").stdout == "\ufffd\ufffd"


def test_files_go_there_and_back_unchanged(phone: Phone, tmp_path: Path) -> None:
    source, back = tmp_path / "a b$.bin", tmp_path / "back.bin"
    source.write_bytes(bytes(range(256)) * 5000)
    phone.push(source, "/data/local/tmp/x.bin")
    phone.pull("/data/local/tmp/x.bin", back)
    assert back.read_bytes() == source.read_bytes()


def test_pulling_what_is_missing_or_too_large_leaves_nothing(phone: Phone, device: FakeDevice, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="adb pull absent"):
        phone.pull(
            "/data/local/tmp/absent", tmp_path / "out" / "x" if (tmp_path / "out").mkdir() else tmp_path / "out/x"
        )
    (device.root / "data/local/tmp/large").write_bytes(bytes(1 << 20))
    with pytest.raises(DeviceError, match="larger than the 1000 bytes"):
        phone.pull("/data/local/tmp/large", tmp_path / "out/x", max_bytes=1000)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "free some space"), (errno.EROFS, "read-only; restart"), (errno.EACCES, "may not write there")],
)
def test_push_passes_the_reason_on_with_a_remedy(
    phone: Phone, device: FakeDevice, tmp_path: Path, number: int, said: str
) -> None:
    (tmp_path / "x").write_bytes(b"1")
    device.refuse_writes = number
    with pytest.raises(DeviceError, match=said) as caught:
        phone.push(tmp_path / "x", "/data/local/tmp/x")
    assert not isinstance(caught.value, DeviceLostError)


def test_a_phone_that_is_gone_is_called_lost(phone: Phone, device: FakeDevice, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"1")
    device.close()
    time.sleep(0.3)
    with pytest.raises(DeviceLostError, match=r"offline|gone"):
        phone.push(tmp_path / "x", "/data/local/tmp/x")


def test_a_phone_that_is_there_again_works(phone: Phone, device: FakeDevice) -> None:
    device.unplug()
    wait_until_usable(phone.adb.path, device.serial)
    assert phone.shell("echo here").stdout == "here\n"
