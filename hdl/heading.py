"""The comment above a design's Verilog: its manifest, in words."""

from collections.abc import Mapping
from typing import Any

from .layout import comment

_HANDSHAKES = {
    "combinational": "none: p follows {operands}, no clock",
    "runs": "a cycle with en = 1 takes a pair and moves everything on, one with en = 0 holds; last ends a run; "
            "valid says that c is a run's result",
    "streams": "a beat moves in a cycle in which valid and ready are 1; data and last hold while valid waits",
    "passes": "a beat moves in a cycle in which valid and ready are 1; data and last hold while valid waits",
    "axis": "AXI4-Stream (ARM IHI 0051A); no combinational path between streams",
    "tiles": "AXI4-Stream (ARM IHI 0051A); no combinational path between streams",
}
_LATENCIES = {
    "runs": "cycles with en = 1 from the pair with last to its result",
    "streams": "cycles from the one that takes a run's last beat to the one that offers its last row, without stalls",
    "axis": "cycles from the one that takes a run's last beat to the one that offers its last row, without stalls",
    "passes": "cycles from the one that takes a vector to the one that offers its sums",
    "tiles": "cycles from the one that takes a vector of a run's last pass to the one that offers its row of results",
}


def heading(about: Mapping[str, Any]) -> str:
    """The comment, of a manifest: what the design computes, formats, streams, latency, handshake, reset, special
    values, and the commands that make it again, simulate and prove it."""
    slug, protocol = about["slug"], about["protocol"]
    operands = " and ".join(port["name"] for port in about["ports"] if port["direction"] == "input")
    lines = [about["summary"], *_formats(about["parameters"]),
             f"handshake  {_HANDSHAKES[protocol].format(operands=operands)}"]
    for stream in about["streams"]:
        lines += _stream(stream)
    if protocol in _LATENCIES:
        lines += [f"latency    {about['latency']} {_LATENCIES[protocol]}",
                  f"reset      {about['reset']}, synchronous, active {about['reset_active']}, one cycle is enough; "
                  "outputs are unknown before"]
    lines += [f"special    {' '.join(about['special_values'])}"] * bool(about["special_values"])
    lines += [f"again      lmul generate {slug} -o DIR", f"           lmul simulate {slug} -o DIR",
              f"           lmul prove {slug}"]
    return comment(lines)


def _formats(parameters):
    """Operands and results."""
    found = {"a": parameters["a"], "b": parameters["b"]}
    result = parameters.get("product") or parameters.get("result") or parameters["accumulator"]["result"]
    for name, fmt in (found | {"result": result}).items():
        if fmt["width"]:
            yield f"{name:<10} {_described(fmt)}"


def _described(fmt):
    words = []
    for key, value in fmt.items():
        if key == "fields":
            value = ", ".join(f"{field['name']} {_bits(**field)}" for field in value)
        if key not in ("name", "implicit_one"):
            words.append(f"{key} {value}")
    return f"{fmt.get('name', 'wide product')}: {', '.join(words)}"


def _bits(lsb, width, **_):
    return f"[{lsb + width - 1}:{lsb}]" if width > 1 else f"[{lsb}]"


def _stream(stream):
    packed = f", element i from bit {stream['stride']}*i up" if stream["elements"] > 1 else ""
    yield (f"{stream['name']:<10} {stream['direction']}, {stream['elements']} x {stream['carries']} a beat{packed}; "
           f"{stream['order']}{_above(stream)}" + (f"; last: {stream['last']}" if stream["last"] else ""))


def _above(stream):
    parts = stream.get("above", {})
    if not parts:
        return ""
    first, last = list(parts)[0], list(parts)[-1]
    bits = f"[{parts[last]['lsb'] + parts[last]['width'] - 1}:{parts[first]['lsb']}]"
    return f"; {first} above in {bits}" if first == last else f"; {first} to {last} above in {bits}"
