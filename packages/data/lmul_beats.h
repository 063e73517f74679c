/* Matrices of codes as the beats of a core's streams, and results back: the order of rows, lanes and passes, and what
   fills a run up. Beats are written as records: a byte that says which stream, with bit 7 for tlast, then tdata. */
#ifndef LMUL_BEATS_H
#define LMUL_BEATS_H

#include "lmul_codec.h"

/* A core behind AXI4-Stream; its own header has one of these. */
typedef struct {
    const char *slug;
    int tiled;           /* a tile, or an array */
    size_t rows, cols;   /* of the array; lanes and columns of the tile */
    lmul_format a, b, result;
    lmul_block a_block, b_block;    /* size 0: none */
    uint32_t neutral_a, neutral_b;  /* what runs are filled up with */
    size_t vectors;                 /* of a tile: rows of a run, at most */
    int has_places, first_place, last_place;
    int exponent, place_factor, top_factor; /* results are codes times 2**(exponent + these times place and top) */
} lmul_design;

/* A product of matrices of codes, row by row: a is rows by depth, b is depth by cols. */
typedef struct {
    const uint32_t *a, *b;
    size_t rows, depth, cols;
    const uint8_t *a_scales, *b_scales; /* rows by blocks, blocks by cols; the depth is whole blocks */
    int place;                          /* of the window; see docs/tile.md */
    unsigned top;                       /* of the scales: lmul_top */
} lmul_product;

#define LMUL_PLACES 0x7F /* the record of place and top, where a core has them */

/* The place of the scales that a product calls for. */
unsigned lmul_top(const lmul_design *design, const lmul_product *product);

/* What codes of results are to be multiplied by is two to this. */
int lmul_exponent(const lmul_design *design, const lmul_product *product);

/* Runs that a product is cut into. */
size_t lmul_runs(const lmul_design *design, const lmul_product *product);

/* Of run n, bytes of its records, and of its results. */
size_t lmul_run_bytes(const lmul_design *design, const lmul_product *product, size_t n);
size_t lmul_result_bytes(const lmul_design *design, const lmul_product *product, size_t n);

/* The records of run n. */
void lmul_run_records(const lmul_design *design, const lmul_product *product, size_t n, uint8_t *records);

/* Put the results of run n, bytes of m_axis_c, into c, rows by cols. */
void lmul_run_results(const lmul_design *design, const lmul_product *product, size_t n, const uint8_t *bytes,
                      uint32_t *c);

#endif
