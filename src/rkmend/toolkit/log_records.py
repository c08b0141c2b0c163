"""The compiler's own records in a log: layers without a configuration, register overflows, CPU placements."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

_PREFIX = re.compile(r"^([DIWE]) (?:RKNN: ?(?:\[[\d:.]*\]? ?)?)?")


def split_level(line: str) -> tuple[str, str]:
    """The level (`D`, `I`, `W`, `E`, or empty) and the text without level, `RKNN:` and time."""
    if found := _PREFIX.match(line):
        return found[1], line[found.end() :]
    return "", line


class ConfigFailure(msgspec.Struct, frozen=True, kw_only=True):
    """One `Failed to config layer` block, under names without the toolkit's `ori_`.

    A field is None where the paste was cut before it. Older toolkits end the block before the dilation.
    """

    op_type: str
    node: str
    """As the compiler names it: the toolkit may have appended to the model's own name."""
    fatal: bool
    """False for the warning that only says that a layer will run on fewer cores."""
    reason: str
    """`X tile buffer overflow`, `input W too large`, both, or empty."""
    core_num: int | None = None
    ih: int | None = None
    iw: int | None = None
    ic: int | None = None
    batch: int | None = None
    kh: int | None = None
    kw: int | None = None
    kk: int | None = None
    """Output channels."""
    kc: int | None = None
    """Input channels of one group."""
    stride_w: int | None = None
    stride_h: int | None = None
    oh: int | None = None
    ow: int | None = None
    oc: int | None = None
    pad_t: int | None = None
    pad_b: int | None = None
    pad_l: int | None = None
    pad_r: int | None = None
    dilation_h: int | None = None
    dilation_w: int | None = None
    is_deconv: int | None = None

    @property
    def bottom_beyond_kernel(self) -> bool:
        """Whether the bottom padding reaches beyond the dilated kernel: an output row sees no input row."""
        if self.pad_b is None or self.kh is None or self.is_deconv:
            return False
        return self.pad_b > (self.kh - 1) * (self.dilation_h or 1)


_FIELDS = {
    **{"core_num": "core_num", "ih": "ori_Ih", "iw": "ori_Iw", "ic": "ori_Ic", "batch": "ori_Ib"},
    **{"kh": "ori_Kh", "kw": "ori_Kw", "kk": "ori_Kk", "kc": "ori_Kc"},
    **{"stride_w": "ori_Ksx", "stride_h": "ori_Ksy", "oh": "ori_Oh", "ow": "oriOw", "oc": "oriOc"},
    **{name: name for name in ("pad_t", "pad_b", "pad_l", "pad_r", "dilation_h", "dilation_w", "is_deconv")},
}
FIELD_NAMES = frozenset(_FIELDS.values())
"""The fields of a `Failed to config layer` block, as printed."""
_VALUES = {name: re.compile(rf"\b{printed}\s*(-?\d{{1,9}})") for name, printed in _FIELDS.items()}
_BLOCK = re.compile(rf"\b(?:{'|'.join(_FIELDS.values())})\s*-?\d")
_HEAD = "Failed to config layer"
_LONGEST_BLOCK = 2000
_TAIL = "Please help report this bug!"
_NAMED = re.compile(_HEAD + r":\s*'?([^',]*)")
_REASONS = re.compile(r"\b\w tile buffer overflow\b|\binput \w too large\b")


def config_failures(lines: Iterable[str]) -> tuple[ConfigFailure, ...]:
    """Every different `Failed to config layer` block, in order; also one whose head was cut off."""
    blocks: list[tuple[str, str]] = []
    open_block = False
    for line in lines:
        if _HEAD in line:
            level, text = split_level(line)
            blocks.append((level, text))
            open_block = True
        elif ("_" in line or "ori" in line) and _BLOCK.search(line):
            level, text = split_level(line)
            if open_block and len(blocks[-1][1]) < _LONGEST_BLOCK:
                blocks[-1] = (blocks[-1][0] or level, f"{blocks[-1][1]} {text}")
            elif not open_block:
                blocks.append((level, text))
                open_block = True
        elif split_level(line)[1].strip():
            open_block = False
    return tuple(dict.fromkeys(_config_failure(level, text) for level, text in blocks))


def _config_failure(level: str, text: str) -> ConfigFailure:
    named = _NAMED.search(text)
    whole = named[1].strip() if named else ""
    op_type, colon, node = whole.partition(":")
    if not colon or not op_type.isidentifier():
        op_type, node = "", whole
    fatal = "fallback" not in text and (level != "W" or "Fatal" in text)
    values = {name: int(found[1]) for name, pattern in _VALUES.items() if (found := pattern.search(text))}
    return ConfigFailure(
        op_type=op_type,
        node=node,
        fatal=fatal,
        reason=", ".join(dict.fromkeys(_REASONS.findall(text))),
        **values,
    )


def continues_block(line: str) -> bool:
    """Whether a line belongs to a `Failed to config layer` block without being its head."""
    return _HEAD not in line and (_TAIL in line or bool(_BLOCK.search(line)))


class RegTask(msgspec.Struct, frozen=True):
    """A register field that a value does not fit into; None where the paste was cut before it."""

    target: str
    """The compiler's name of the NPU generation: `v2` (RK3588), `lite` (RK3566, RK3568), `f2` (RK3576) ..."""
    offset: int | None
    shift: int | None
    limit: int | None
    value: int | None


_REGTASK = re.compile(
    r"REGTASK: The bit width of field value exceeds the limit"
    r"(?:, target: (\w+))?(?:, offset: 0x([0-9a-f]{1,16}))?(?:, shift = (\d{1,9}))?"
    r"(?:, limit: 0x([0-9a-f]{1,16}))?(?:, value: 0x([0-9a-f]{1,16}))?",
    re.IGNORECASE,
)


def regtasks(lines: Iterable[str]) -> tuple[RegTask, ...]:
    """Every different register overflow, in order."""
    found = (_REGTASK.search(line) for line in lines if "REGTASK" in line)
    return tuple(
        dict.fromkeys(
            RegTask(
                target=match[1] or "",
                offset=_number(match[2], 16),
                shift=_number(match[3], 10),
                limit=_number(match[4], 16),
                value=_number(match[5], 16),
            )
            for match in found
            if match
        )
    )


def _number(digits: str | None, base: int) -> int | None:
    return int(digits, base) if digits else None


_CPU_SIGNS = (
    "Unkown op target: 0",
    "fallback to CPU",
    "Pad: mode",
    "No lowering found for",
    "detect pure cpu op model",
)


def cpu_notes(lines: Iterable[str]) -> tuple[str, ...]:
    """Every different line that says that an operator goes to the CPU, without level and time, in order."""
    notes = (split_level(line)[1].strip() for line in lines if any(sign in line for sign in _CPU_SIGNS))
    return tuple(dict.fromkeys(notes))
