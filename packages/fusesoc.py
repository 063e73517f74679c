"""A FuseSoC core (CAPI2)."""

from .bench import bench
from .core import Core


def fusesoc(core: Core) -> dict[str, str]:
    """``<slug>.core`` and the bench that it names. ``default`` takes the files into a flow, ``lint`` runs Verilator
    over them, ``sim`` the bench in Icarus and ``sim_verilator`` in Verilator; their status is 0 if the core is right.
    """
    slug, about, benches = core.slug, core.about, bench(core)
    return {**benches, f"{slug}.core": f"""\
CAPI=2:
name: lmul:cores:{slug}:{about["versions"]["lmul"]}
description: "{about["summary"]}; {slug}.json describes it"

filesets:
  rtl:
    files: [{", ".join(core.files)}]
    file_type: verilogSource
  bench:
    files: [{", ".join(benches)}]
    file_type: systemVerilogSource
  constraints:
    files: [{slug}.sdc]
    file_type: SDC

targets:
  default: &default
    filesets: [rtl, constraints]
    toplevel: {core.top}
  lint:
    <<: *default
    filesets: [rtl]
    flow: lint
    flow_options:
      tool: verilator
      verilator_options: [-Wall]
  sim: &sim
    filesets: [rtl, bench]
    toplevel: selftest_bench
    flow: sim
    flow_options:
      tool: icarus
      iverilog_options: [-g2012]
  sim_verilator:
    <<: *sim
    flow_options:
      tool: verilator
      mode: binary
      verilator_options: [--timing, -Wno-fatal, -CFLAGS, -std=c++20, -CFLAGS, -fcoroutines]
"""}
