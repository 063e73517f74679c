"""A FuseSoC core (CAPI2)."""

from .core import Core


def fusesoc(core: Core) -> dict[str, str]:
    """``<slug>.core``: ``default`` takes the files into a flow, ``lint`` runs Verilator over them."""
    slug, about = core.slug, core.about
    return {f"{slug}.core": f"""\
CAPI=2:
name: lmul:cores:{slug}:{about["versions"]["lmul"]}
description: "{about["summary"]}; {slug}.json describes it"

filesets:
  rtl:
    files: [{", ".join(core.files)}]
    file_type: verilogSource
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
"""}
