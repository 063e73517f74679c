"""Which designs a report measures where none is named."""

SUMS = (("mac_{}_fp32", "e4m3"), ("dot_{}_fixed_16", "e4m3"))
MORE_SUMS = (("mac_{}_carrysave", "e4m3"), ("mac_{}_fp32", "bf16"), ("mac_{}_fp32", "bf16xe4m3"),
             ("array_{}_carrysave_4x4_os", "e4m3"), ("array_{}_carrysave_8x8_os", "e4m3"),
             ("array_{}_carrysave_8x8_ws", "e4m3"), ("array_{}_fp32_8x8_os", "e4m3"))
INTEGER_SUMS = ["mac_int8_int32", "dot_int8_int32_16"]  # rivals of `SUMS`
MORE_INTEGER_SUMS = ["array_int8_int32_4x4_os", "array_int8_int32_8x8_os", "array_int8_int32_8x8_ws"]
FORMATS = ("e4m3", "e5m2", "bf16", "fp16", "bf16xe4m3")
TILES = ["tile_log_l3f4_16x4_w10", "tile_lmul_e4m3_best_16x4_w10", "tile_exact_e4m3_flush_16x4_w10", "tile_int8_16x4"]
MORE_TILES = ["tile_log_l3f4_16x16_w10", "tile_lmul_e4m3_best_16x16_w10", "tile_exact_e4m3_flush_16x16_w10",
              "tile_int8_16x16", "tile_lmul_e4m3_16x16_w10", "tile_exact_e4m3_16x16_w10", "tile_log_l3f5_t7_16x16_w10",
              "tile_lmul_bf16xe4m3_16x16_w12", "tile_exact_bf16xe4m3_flush_16x16_w12", "tile_lmul_bf16_16x16_w12",
              "tile_exact_bf16_flush_16x16_w12"]


def default_designs(full: bool = False) -> list[str]:
    """Slugs of a default report: tiles of L-Mul, log codes, exact floats and int8; narrow multipliers at the formats
    that matter; and e4m3 in a sum of its own and in a dot product, beside int8 in each, in the first also exact
    products rounded to as many bits as L-Mul adds. ``full`` adds these in the others, tiles of other formats and larger
    ones, multipliers of bf16, fp16, int8 and with subnormals, Mitchell's at the other formats, which no verdict rests
    on, wide products, other sums and arrays."""
    slugs = [*TILES, *([*MORE_TILES, "mul_int8"] if full else [])]
    for formats in (each for each in FORMATS if full or each not in ("bf16", "fp16")):
        kinds = (f"lmul_{formats}", *([f"mitchell_{formats}"] if full or formats == FORMATS[0] else []),
                 f"exact_{formats}_flush")
        slugs += [f"mul_{kind}" for kind in kinds]
        slugs += [f"mul_lmul_{formats}_sub", f"mul_exact_{formats}"] if full and formats in ("e4m3", "e5m2") else []
    structures = SUMS + ((*(("prod_{}", formats) for formats in FORMATS), *MORE_SUMS) if full else ())
    for structure, formats in structures:
        slugs += [structure.format(kind) for kind in (f"lmul_{formats}", f"exact_{formats}_flush")]
    slugs += [structure.format("exact_e4m3_flush_r4") for structure, _ in SUMS[: None if full else 1]]
    return slugs + INTEGER_SUMS + (MORE_INTEGER_SUMS if full else [])


def fpga_designs() -> list[str]:
    """Slugs of a report on FPGAs: small tiles, multipliers, sums and a small array, as `lmul report --fpga` places
    them."""
    slugs = [f"tile_{words}_p2" for words in ("log_l3f4_8x4_w10", "lmul_e4m3_best_8x4_w10", "exact_e4m3_flush_8x4_w10",
                                              "int8_8x4")]
    for kind, policy in (("lmul", ""), ("exact", "_flush")):
        e4m3, bf16 = f"{kind}_e4m3{policy}", f"{kind}_bf16{policy}"
        slugs += [f"mul_{e4m3}", f"mul_{bf16}", f"mac_{e4m3}_fp32", f"mac_{e4m3}_carrysave",
                  f"array_{e4m3}_carrysave_4x4_os"]
    return slugs
