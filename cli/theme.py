"""The colours of pages and plots, by role, in light and in dark."""

#: Kinds of multiplier differ in lightness too, and are always labelled; the parts of a stacked bar use
#: other hues. Chosen after Okabe and Ito, "Color Universal Design" (2008).
LIGHT = {
    "ink": "#1b1f24", "muted": "#59626d", "line": "#d3d9e0", "paper": "#fefefe",
    "exact": "#c8550b", "lmul": "#0b64ad", "mitchell": "#62aede", "int8": "#878e98",
    "multiplier": "#b9569b", "accumulator": "#e09f1f", "registers": "#0f8f6f", "clock": "#6b7480", "other": "#94724a",
    "leakage": "#c9ced4",
}
DARK = {
    "ink": "#e8ebee", "muted": "#a3adb8", "line": "#3a424b", "paper": "#14181c",
    "exact": "#f28a45", "lmul": "#4aa3ec", "mitchell": "#a8d3f2", "int8": "#8f98a3",
    "multiplier": "#d583bd", "accumulator": "#f0b94a", "registers": "#3dbb98", "clock": "#8b95a0", "other": "#b8946a",
    "leakage": "#4d555e",
}
