"""The colours of pages and plots, by what they stand for, in light and in dark; room for labels."""

from zlib import crc32

from ..golden.families import kinds

#: Verdicts, ``less``, ``same`` and ``more``, are words on grounds of their own, ``on-less`` and so on. Colours of
#: families differ in lightness too, and bars are always labelled; roles, for which the parts of a stacked bar stand,
#: have other hues. Chosen after Okabe and Ito, "Color Universal Design" (2008).
LIGHT = {
    "ink": "#1b1f24", "muted": "#59626d", "line": "#d3d9e0", "paper": "#fefefe",
    "blue": "#0b64ad", "sky": "#62aede", "orange": "#c8550b", "grey": "#878e98",
    "multiplier": "#b9569b", "lane": "#e3a6cf", "tree": "#7a5fb5", "accumulator": "#e09f1f", "drain": "#94724a",
    "operand-registers": "#0f8f6f", "control": "#8fc9b6", "clock": "#6b7480", "gating": "#46597f",
    "undeclared": "#c9ced4",
    "less": "#0d5236", "on-less": "#d8f1e4", "same": "#3f4852", "on-same": "#e9edf1", "more": "#8a2412",
    "on-more": "#fbe2db",
    "other-1": "#2f7f86", "other-2": "#a8324a", "other-3": "#7d8f1f", "other-4": "#5a4a8f", "other-5": "#b0843a",
}
DARK = {
    "ink": "#e8ebee", "muted": "#a3adb8", "line": "#3a424b", "paper": "#14181c",
    "blue": "#4aa3ec", "sky": "#a8d3f2", "orange": "#f28a45", "grey": "#8f98a3",
    "multiplier": "#d583bd", "lane": "#8f5a7f", "tree": "#a48ae0", "accumulator": "#f0b94a", "drain": "#b8946a",
    "operand-registers": "#3dbb98", "control": "#2f6b5b", "clock": "#8b95a0", "gating": "#7d94c4",
    "undeclared": "#4d555e",
    "less": "#a5e6c6", "on-less": "#123c2b", "same": "#c5ced7", "on-same": "#272e35", "more": "#ffbcaa",
    "on-more": "#4c1e15",
    "other-1": "#58b4bc", "other-2": "#e0607a", "other-3": "#b3c74a", "other-4": "#9080d0", "other-5": "#dcb068",
}
LETTER = 6.2  # px of an average letter of a point's label
SPACING = 13  # px between labels one above the other

#: Of families that slugs spell, in the order in which they are registered.
_FAMILIES = ("blue", "sky", "orange", "grey")
_OTHERS = [name for name in LIGHT if name.startswith("other-")]


def colour(name: str) -> str:
    """The colour that stands for a role, or for a family by its label: the first families have colours of their own,
    others one that follows from the label, always the same."""
    plain = name.replace(" ", "-")
    if plain in LIGHT:
        return plain
    return dict(zip(kinds(), _FAMILIES, strict=False)).get(name) or _OTHERS[crc32(name.encode()) % len(_OTHERS)]
