"""The page `docs/delegates.md`, written from the rules: `python -m portraitlite.convert.inspect.documentation PAGE`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from portraitlite.convert.inspect.rules import Delegate, Rule, load_rules, load_sources

__all__ = ["rules_page"]

INTRODUCTION = """\
# What the delegates do with each op

Written by `python -m portraitlite.convert.inspect.documentation docs/delegates.md` from `convert/inspect/rules.toml`;
edit the rules, not this page. `portraitlite inspect MODEL.tflite` applies them to a file.

- The first row that fits an op decides whether a delegate takes it. Rows with **traps** are reported besides: the op is
  taken, but with wrong numbers or at a cost that nobody expects. An op without a row is `unknown`.
- Evidence. *measured*: `inspect` loads the file here and counts the nodes that XNNPACK replaces, which beats every
  XNNPACK row. *reported*: somebody's run on the named device and version. *rule*: source code or a document says so.
- The GPU is measured too where `VK_ICD_FILENAMES` names the ICD file of a Vulkan device: LiteRT's desktop accelerator
  (WebGPU) then says what it refuses. A device in software will do: `libvk_swiftshader.so` and
  `vk_swiftshader_icd.json` of Debian's `chromium-common`, the loader from `libvulkan1`. It proves coverage, not a
  phone's OpenCL, speed or fp16.
- TensorFlow's own analyzer is no evidence: it calls SPACE_TO_BATCH_ND GPU compatible.
- GPU: LiteRT takes the largest partition only, and computes in fp16 where the device can. A refused op in the middle
  costs the smaller side. Full coverage does not prove right numbers: compare CPU and delegate on the phone.
- The NPU rows are Qualcomm's. For other delegates and versions give a snapshot in edge-compat's format:
  `portraitlite inspect MODEL.tflite --matrix SNAPSHOT.json`.
"""
HEADINGS = {
    Delegate.XNNPACK: "CPU: XNNPACK",
    Delegate.GPU: "GPU: LiteRT's ML Drift",
    Delegate.NPU: "NPU: Qualcomm HTP through QNN",
}


def rules_page() -> str:
    """The whole page as Markdown."""
    pieces = [INTRODUCTION]
    for delegate, rules in load_rules().items():
        pieces.append(f"\n## {HEADINGS[delegate]}\n\n")
        pieces.append("| # | Op | If | Verdict | Why | What to change | Evidence |\n")
        pieces.append("| --- | --- | --- | --- | --- | --- | --- |\n")
        pieces += [_row(rule) for rule in rules]
    pieces.append("\n## Sources\n\n")
    pieces += [f"- {name}: {meaning}\n" for name, meaning in load_sources().items()]
    return "".join(pieces)


def _row(rule: Rule) -> str:
    conditions = [name.replace("_", " ") for name in rule.when]
    if rule.types:
        conditions.append(", ".join(rule.types))
    ops = "every op" if rule.ops == ("*",) else ", ".join(rule.ops)
    verdict = "**traps**" if rule.verdict == "traps" else rule.verdict.value
    evidence = f"{rule.evidence.value}: {rule.source}, {rule.version}"
    cells = [rule.id, ops, "; ".join(conditions), verdict, rule.why, rule.fix, evidence]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def main() -> None:
    """Write the page whole or not at all."""
    page = Path(sys.argv[1])
    beside = page.with_name(f".{page.name}.part")
    beside.write_text(rules_page(), encoding="utf-8")
    os.replace(beside, page)


if __name__ == "__main__":
    main()
