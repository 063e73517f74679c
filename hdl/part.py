"""Components that become one Verilog module each, however often they are used."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Self

from amaranth.back import rtlil
from amaranth.hdl import ClockSignal, Instance, ResetSignal, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .roles import named

if TYPE_CHECKING:
    from ..golden.spec import Multiplier


class Part(wiring.Component):
    """A component that is one module of the Verilog that is generated.

    Two parts of one class made with equal arguments (which must be hashable) share a module. Anywhere else, as in
    Amaranth's simulator, a part is an ordinary component. A clocked part lives in the ``sync`` domain, and is not
    to be wrapped in ``EnableInserter`` or ``ResetInserter``, which would not reach inside.

    Attributes
    ----------
    latency : int
        Of clocked parts that give results.
    roles : dict of str to str
        What the submodules and registers of this part are for: patterns of their names (``multiplier_*``) to roles such
        as ``multiplier``, the first that fits. A role holds for all that is inside, but for what a submodule declares
        itself; ``*`` stands for all the rest, logic included. `lmul.synth.roles` says which roles there are, and where
        logic belongs that has none.
    """

    roles: dict[str, str] = {}
    _MustUse__silence = True  # no warning of a part that is refused, or made only to be asked for its latency
    latency: int
    _key: tuple

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        part = super().__new__(cls)
        part._key = (cls, args, tuple(sorted(kwargs.items())))
        return part

    def __init__(self, members: dict[str, Any]) -> None:
        """Ports, as `wiring.Component` takes them; one of no bits is none, but its name may be used."""
        empty = [name for name, member in members.items() if member.is_port and member.shape == 0]
        super().__init__({name: member for name, member in members.items() if name not in empty})
        for name in empty:
            setattr(self, name, Signal(0, name=name))

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "elaborate" not in vars(cls):
            return
        elaborate = cls.elaborate

        @functools.wraps(elaborate)
        def elaborate_once(self, platform):
            if isinstance(platform, Modules) and platform.current is not self:
                return platform.instance(self)
            return elaborate(self, platform)

        cls.elaborate = elaborate_once

    @property
    def module_name(self) -> str:
        """The last part of the module's name, a plain identifier."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()


class MultiplierPart(Part):
    """A combinational multiplier: operand codes ``a`` and ``b`` in, product ``p`` out, narrow or wide. An operand of no
    bits has no port."""

    a: Signal
    b: Signal
    p: Signal

    def __init__(self, spec: Multiplier, wide: bool = False) -> None:
        self.spec, self.wide = spec, wide
        super().__init__({
            **{name: In(fmt.width) for name, fmt in spec.operands.items()},
            "p": Out(spec.wide.width if wide else spec.narrow_width),
        })

    @property
    def module_name(self) -> str:
        return f"{'prod' if self.wide else 'mul'}_{self.spec.name}"


class Modules:
    """The modules of one design as RTLIL, each distinct part once; the Amaranth platform that collects them.

    Parameters
    ----------
    top : :class:`wiring.Component`
    name : str
        The top module's name; every other module's begins with it, so that designs can stand side by side.

    Attributes
    ----------
    contents : dict of str to dict
        By module ``instances``, the module of each instance in it by name, and ``roles``, the role of each instance and
        register for which its `Part` declares one, by name in the Verilog.
    ports : dict of str to list of str
        By module its ports in the order of the header, and ``clk`` and ``rst`` whether or not it has them.
    """

    def __init__(self, top: wiring.Component, name: str) -> None:
        self.name = name
        self.current = None
        self._names = {name}
        self._parts = {}  # key -> (module name, whether it has a clock, whether it has a reset)
        self._texts = []
        self.contents, self.ports = {}, {}
        self._convert(top, name)

    @property
    def rtlil(self) -> str:
        return "\n".join(self._texts)

    def instance(self, part: Part) -> Instance:
        """The instance that stands for a part inside the module which is being converted."""
        if part._key not in self._parts:
            self._parts[part._key] = self._convert(part, self._unused_name(part.module_name))
        module, clocked, reset = self._parts[part._key]
        ports = [("i" if member.flow is In else "o", "__".join(map(str, path)), Value.cast(value))
                 for path, member, value in part.signature.flatten(part)]
        ports += [("i", "clk", ClockSignal())] * clocked + [("i", "rst", ResetSignal())] * reset
        return Instance(module, *ports)

    def _convert(self, component, name):
        outer, self.current = self.current, component
        text = rtlil.convert(component, name=name, platform=self, emit_src=False)
        self.current = outer
        # Ports as they are declared, behind clock and reset; Amaranth has inputs first. Yosys counts from 1.
        declared = ["__".join(map(str, path)) for path, _, _ in component.signature.flatten(component)]
        self.ports[name] = order = [*(port for port in ("clk", "rst") if port not in declared), *declared]
        # Behind the component's own module are those of submodules that are no parts: their order stays.
        place = {port: number for number, port in enumerate(order, 1)}
        own, end, others = text.partition("\nend\n")
        own = re.sub(r"(?m)^(  wire .*(?:input|output) )\d+(  ?\\(\S+))",
                     lambda m: f"{m[1]}{place[m[3]]}{m[2]}", own)
        others = re.sub(r"(?m)^(  wire .*(?:input|output) )(\d+)", lambda m: f"{m[1]}{int(m[2]) + 1}", others)
        text = own + end + others
        if len(re.findall(r"\\rst\b", text)) == 1:  # only declared: nothing in here is reset
            text = re.sub(r"(?m)^  wire .*\\rst\n", "", text)
        self._texts.append(text)
        instances, roles = named(getattr(component, "roles", {}), text, self._names)
        self.contents[name] = {"instances": instances, "roles": roles}
        inputs = re.findall(r"(?m)^  wire .*input \d+  ?\\(\S+)", text.partition("\nend\n")[0])
        return name, "clk" in inputs, "rst" in inputs

    def _unused_name(self, name):
        name = unused = f"{self.name}_{name}"
        count = 1
        while unused in self._names:
            count += 1
            unused = f"{name}_{count}"
        self._names.add(unused)
        return unused
