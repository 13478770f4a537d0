"""Facts and states out of texts; what a phone does not say is None with a reason."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from fake_device import FakeDevice
from fake_phone import battery_text, properties_text, thermal_text

from portraitlite.android_harness.battery import parse_battery
from portraitlite.android_harness.cores import SYSFS, clocks, clusters, cpu_list, cpu_mask, parse_sysfs
from portraitlite.android_harness.facts import (
    PhoneFacts,
    PhoneState,
    parse_facts,
    parse_state,
    read_facts,
    read_state,
)
from portraitlite.android_harness.properties import is_emulator, parse_properties, soc_name
from portraitlite.android_harness.shell import Phone
from portraitlite.android_harness.thermal import parse_thermal

NINE_CORES = "".join(
    f"{SYSFS}/cpu{cpu}/cpufreq/{name}:{value}\n"
    for cpus, khz in ((range(4), 1704000), (range(4, 8), 2367000), (range(8, 9), 2914000))
    for cpu in cpus
    for name, value in (("cpuinfo_max_freq", khz), ("scaling_cur_freq", khz), ("scaling_max_freq", khz))
)


def _reasons_fit(facts: PhoneFacts | PhoneState) -> bool:
    missing = {field.name for field in dataclasses.fields(facts) if getattr(facts, field.name) is None}
    return missing - {"emulated"} == facts.unavailable.keys() and all(facts.unavailable.values())


def test_only_current_temperatures_count() -> None:
    thermal = parse_thermal(thermal_text(skin_celsius=33.5, status=2))
    assert (thermal.status, thermal.celsius) == (2, {"skin": 33.5, "cpu": 44.5})


def test_names_are_believed_before_numbers() -> None:
    """Some makers number kinds one higher."""
    text = (
        "Thermal Status: 0\nHAL Ready: true\nCurrent temperatures from HAL:\n"
        "\tTemperature{mValue=25.0, mType=4, mName=TYPE_SKIN, mStatus=0}\n"
        "\tTemperature{mValue=24.0, mType=1, mName=TYPE_CPU, mStatus=0}\n"
        "\tTemperature{mValue=26.0, mType=6, mName=TYPE_POWER_AMPLIFIER, mStatus=0}\n"
        "\tTemperature{mValue=27.0, mType=3, mName=VIRTUAL-SKIN-CPU, mStatus=0}\n"
        "\tTemperature{mValue=28.0, mType=6, mName=BCL_BATTERY_VOLTAGE, mStatus=0}\n"
    )
    assert parse_thermal(text).celsius == {"skin": 27.0, "cpu": 24.0, "power_amplifier": 26.0}


@pytest.mark.parametrize("value", ["NaN", "0.0", "-99.9", "1e9", "x", "-inf"])
def test_invalid_temperatures_are_unknown(value: str) -> None:
    text = f"Current temperatures from HAL:\n\tTemperature{{mValue={value}, mType=3, mName=a, mStatus=0}}\n"
    thermal = parse_thermal(text)
    assert thermal.celsius is None
    assert thermal.celsius_reason is not None


def test_a_hal_that_is_not_ready_is_unknown() -> None:
    thermal = parse_thermal(thermal_text().replace("Ready: true", "Ready: false"))
    assert thermal.celsius is None
    assert "not ready" in (thermal.celsius_reason or "")
    assert thermal.status == 0


def test_battery_lines_must_fit_whole() -> None:
    battery = parse_battery(battery_text(tenths=357))
    assert (battery.celsius, battery.percent, battery.charging, battery.usb_powered) == (35.7, 80.0, True, True)
    assert parse_battery("") == dataclasses.replace(
        battery, celsius=None, percent=None, charging=None, usb_powered=None
    )
    assert parse_battery("  level: 5\n  scale: 0\n").percent is None


def test_properties_hold_brackets_and_span_lines() -> None:
    text = "[ro.product.model]: [A [b] c]\n[x.y]: [one\ntwo]\n[ro.hardware]: [h\nh]\n[ro.serialno]: [SECRET]\n"
    assert parse_properties(text) == {"ro.product.model": "A [b] c", "ro.hardware": "h h"}
    assert parse_properties("[ro.hardware]: []\n") == {}


def test_the_chip_falls_back_to_board_and_hardware() -> None:
    assert soc_name({"ro.soc.manufacturer": "Acme", "ro.soc.model": "AC1", "ro.hardware": "h"}) == "Acme AC1"
    assert soc_name({"ro.board.platform": "b", "ro.hardware": "h"}) == "b"
    assert soc_name({"ro.hardware": "h"}) == "h"
    assert soc_name({}) is None


@pytest.mark.parametrize("text", ["[ro.boot.qemu]: [1]", "[ro.kernel.qemu]: [1]", "[ro.hardware]: [ranchu]"])
def test_emulators_are_known(text: str) -> None:
    assert is_emulator(parse_properties(text))
    assert not is_emulator(parse_properties("[ro.hardware]: [anvil]"))


@pytest.mark.parametrize(
    ("abi", "machine", "emulated"),
    [
        ("arm64-v8a", "aarch64", False),
        ("arm64-v8a", "x86_64", True),
        ("armeabi-v7a", "aarch64", False),
        ("armeabi-v7a", "armv8l", False),
        ("x86_64", "x86_64", False),
        ("x86", "x86_64", False),
    ],
)
def test_another_machine_than_the_programs_is_emulated(abi: str, machine: str, emulated: bool) -> None:
    facts = parse_facts({"properties": properties_text(ro_product_cpu_abi=abi), "machine": f"{machine}\n5.15\n"})
    assert (facts.emulated is not None) == emulated


def test_cores_are_grouped_by_their_greatest_clock() -> None:
    files = parse_sysfs(NINE_CORES)
    assert [(cluster.cpus, cluster.max_mhz) for cluster in clusters(files)] == [
        ((0, 1, 2, 3), 1704.0),
        ((4, 5, 6, 7), 2367.0),
        ((8,), 2914.0),
    ]
    assert cpu_mask((8,)) == "100"
    assert cpu_mask((4, 5, 6, 7)) == "f0"
    assert [clock.mhz for clock in clocks(files)] == [1704.0, 2367.0, 2914.0]


@pytest.mark.parametrize("text", ["", "x", "1-", "999999999999", "0-999", None, "3-1"])
def test_lists_of_cores_that_cannot_be(text: str | None) -> None:
    assert cpu_list(text) is None


def test_lists_of_cores() -> None:
    assert cpu_list("0-2,5") == (0, 1, 2, 5)


def test_a_phone_that_says_nothing_gives_reasons() -> None:
    for found in (parse_facts({}), parse_state({})):
        assert _reasons_fit(found)


@pytest.mark.parametrize("noise", ["\0" * 50, "[" * 1000, "a: b\n" * 1000, "Temperature{" * 500])
def test_noise_is_no_fact(noise: str) -> None:
    answers: dict[str, str] = {}
    for name in (
        "properties",
        "machine",
        "cpuinfo",
        "meminfo",
        "sysfs",
        "thermal",
        "battery",
        "power",
        "load",
        "start",
    ):
        answers[name] = noise
    assert _reasons_fit(parse_facts(answers))
    assert _reasons_fit(parse_state(answers))


def test_throttling_is_told_by_status_or_by_the_clocks() -> None:
    calm = parse_state({"thermal": thermal_text(), "sysfs": NINE_CORES})
    assert calm.throttled is None
    assert parse_state({"thermal": thermal_text(status=3)}).throttled == "thermal status 3"
    capped = NINE_CORES.replace("cpu8/cpufreq/scaling_max_freq:2914000", "cpu8/cpufreq/scaling_max_freq:1000000")
    assert parse_state({"sysfs": capped}).throttled == "CPUs 8 are held at 1000 of 2914 MHz"


def test_facts_of_the_double(phone: Phone, device: FakeDevice) -> None:
    facts, state = read_facts(phone), read_state(phone)
    assert (facts.name, facts.sdk, facts.abi, facts.soc) == ("Acme Anvil [2]", 34, "arm64-v8a", "Acme AC100")
    assert facts.clusters is not None
    assert [cluster.cpus for cluster in facts.clusters] == [(0, 1, 2, 3), (4, 5)]
    assert [cluster.governor for cluster in facts.clusters] == ["schedutil"] * 2
    assert facts.cpus == 6
    assert "asimddp" in (facts.cpu_features or ())
    assert facts.emulated is None
    assert "SECRET" not in str(facts)
    assert state.celsius == {"skin": 30.0, "cpu": 44.5}
    assert (state.battery_celsius, state.awake, state.load_average_1min) == (28.5, True, 1.25)
    assert state.memory_available_bytes == 5_000_000 * 1024
    assert [clock.mhz for clock in state.clocks or ()] == [900.0, 1200.0]
    assert facts.unavailable == state.unavailable == {}


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("folder", "sizes", "chip"),
    [("pixel-8", [4, 4, 1], "zuma"), ("galaxy-s9-us", [4, 4], "sdm845"), ("xiaomi-mi-5c", None, None)],
)
def test_real_phones(shared: Path, folder: str, sizes: list[int] | None, chip: str | None) -> None:
    dump = shared / "device_samples" / "dumps" / folder
    cpu = dump / "sys/devices/system/cpu"
    files = [*cpu.glob("cpu*/cpufreq/*_freq"), *cpu.glob("cpu*/cpufreq/scaling_governor"), cpu / "possible"]
    sysfs = "".join(
        f"/{path.relative_to(dump)}:{path.read_text(errors='replace')}\n" for path in files if path.is_file()
    )
    facts = parse_facts(
        {
            "properties": (dump / "getprop.txt").read_text(errors="replace"),
            "cpuinfo": (dump / "proc/cpuinfo").read_text(errors="replace"),
            "sysfs": sysfs,
            "machine": "aarch64\n4.4\n",
        }
    )
    assert facts.clusters is not None
    if sizes is not None:
        assert [len(cluster.cpus) for cluster in facts.clusters] == sizes
    if chip is not None:
        assert facts.soc == chip
    assert facts.abi == "arm64-v8a"
    assert facts.emulated is None
    assert "asimd" in (facts.cpu_features or ())


@pytest.mark.shared_data
def test_real_batteries_and_temperatures(shared: Path) -> None:
    dumps = shared / "device_samples" / "dumps"
    samsung = parse_battery((dumps / "battery_samsung_s24.txt").read_text(errors="replace"))
    assert (samsung.celsius, samsung.percent, samsung.charging, samsung.usb_powered) == (35.7, 75.0, True, True)
    plain = parse_battery((dumps / "battery_aosp.txt").read_text(errors="replace"))
    assert (plain.celsius, plain.percent, plain.usb_powered) == (30.0, 80.0, False)
    thermal = parse_thermal((dumps / "thermalservice_samsung_android11.txt").read_text(errors="replace"))
    assert thermal.status == 0
    assert thermal.celsius == {"cpu": 24.0, "battery": 24.4, "skin": 25.3, "usb_port": 24.2}
