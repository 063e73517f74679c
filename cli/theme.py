"""The colours of pages and plots, by what they stand for, in light and in dark."""

from zlib import crc32

#: Families of arithmetic differ in lightness too, and are always labelled; roles, for which the parts of a stacked bar
#: stand, have other hues. Chosen after Okabe and Ito, "Color Universal Design" (2008).
LIGHT = {
    "ink": "#1b1f24", "muted": "#59626d", "line": "#d3d9e0", "paper": "#fefefe",
    "exact": "#c8550b", "lmul": "#0b64ad", "mitchell": "#62aede", "int8": "#878e98",
    "multiplier": "#b9569b", "lane": "#e3a6cf", "tree": "#7a5fb5", "accumulator": "#e09f1f", "drain": "#94724a",
    "operand-registers": "#0f8f6f", "control": "#8fc9b6", "clock": "#6b7480", "undeclared": "#c9ced4",
    "other-1": "#2f7f86", "other-2": "#a8324a", "other-3": "#7d8f1f", "other-4": "#5a4a8f", "other-5": "#b0843a",
}
DARK = {
    "ink": "#e8ebee", "muted": "#a3adb8", "line": "#3a424b", "paper": "#14181c",
    "exact": "#f28a45", "lmul": "#4aa3ec", "mitchell": "#a8d3f2", "int8": "#8f98a3",
    "multiplier": "#d583bd", "lane": "#8f5a7f", "tree": "#a48ae0", "accumulator": "#f0b94a", "drain": "#b8946a",
    "operand-registers": "#3dbb98", "control": "#2f6b5b", "clock": "#8b95a0", "undeclared": "#4d555e",
    "other-1": "#58b4bc", "other-2": "#e0607a", "other-3": "#b3c74a", "other-4": "#9080d0", "other-5": "#dcb068",
}
_OTHERS = [name for name in LIGHT if name.startswith("other-")]


def colour(name):
    """The colour that stands for a family or a role; for those that are not ours one of the others, always the same."""
    plain = name.replace(" ", "-")
    return plain if plain in LIGHT else _OTHERS[crc32(name.encode()) % len(_OTHERS)]
