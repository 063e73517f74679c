#include "lmul_beats.h"

#define LAST 0x80

static size_t bytes_of(const lmul_format *format) { return (format->width + 7) / 8; }

static size_t whole(size_t count, size_t step) { return (count + step - 1) / step; }

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* A run of a product: where its rows and columns of the result begin, and how many rows it has. */
typedef struct {
    size_t row, rows, col;
} cut;

static cut run_cut(const lmul_design *d, const lmul_product *p, size_t n)
{
    cut found;
    if (d->tiled) { /* by columns, and of these by rows */
        size_t high = whole(p->rows, d->vectors);
        found.row = n % high * d->vectors;
        found.col = n / high * d->cols;
        found.rows = smaller(d->vectors, p->rows - found.row);
    } else { /* by rows, and of these by columns */
        size_t wide = whole(p->cols, d->cols);
        found.row = n / wide * d->rows;
        found.col = n % wide * d->cols;
        found.rows = d->rows;
    }
    return found;
}

static uint32_t code_a(const lmul_design *d, const lmul_product *p, size_t row, size_t k)
{
    return row < p->rows && k < p->depth ? p->a[row * p->depth + k] : d->neutral_a;
}

static uint32_t code_b(const lmul_design *d, const lmul_product *p, size_t k, size_t col)
{
    return k < p->depth && col < p->cols ? p->b[k * p->cols + col] : d->neutral_b;
}

static uint8_t *put(uint8_t *to, uint32_t code, size_t bytes)
{
    for (; bytes; bytes--, code >>= 8)
        *to++ = (uint8_t)code;
    return to;
}

/* Row k of b, from a column on. */
static uint8_t *put_row(const lmul_design *d, const lmul_product *p, size_t k, size_t col, uint8_t *to)
{
    size_t c;
    for (c = 0; c < d->cols; c++)
        to = put(to, code_b(d, p, k, col + c), bytes_of(&d->b));
    return to;
}

static void array_records(const lmul_design *d, const lmul_product *p, cut run, uint8_t *to)
{
    size_t k, r;
    for (k = 0; k < p->depth; k++) {
        int last = k + 1 == p->depth ? LAST : 0;
        *to++ = (uint8_t)last;
        for (r = 0; r < d->rows; r++)
            to = put(to, code_a(d, p, run.row + r, k), bytes_of(&d->a));
        *to++ = (uint8_t)(1 | last);
        to = put_row(d, p, k, run.col, to);
    }
}

static void tile_records(const lmul_design *d, const lmul_product *p, cut run, uint8_t *to)
{
    int b_stream = d->a_block.size ? 2 : 1; /* streams are numbered in the order a, as, b, bs */
    size_t passes = whole(p->depth, d->rows), pass, lane, row, c;
    if (d->has_places) {
        *to++ = LMUL_PLACES;
        to = put(put(to, (uint32_t)p->place, 2), p->top, 2);
    }
    for (pass = 0; pass < passes; pass++) {
        size_t k = pass * d->rows;
        if (d->b_block.size) {
            *to++ = (uint8_t)(b_stream + 1);
            for (c = run.col; c < run.col + d->cols; c++)
                *to++ = c < p->cols ? p->b_scales[k / d->b_block.size * p->cols + c] : 0;
        }
        for (lane = 0; lane < d->rows; lane++) {
            *to++ = (uint8_t)(b_stream | (pass + 1 == passes && lane + 1 == d->rows ? LAST : 0));
            to = put_row(d, p, k + lane, run.col, to);
        }
        for (row = run.row; row < run.row + run.rows; row++) {
            if (d->a_block.size) {
                *to++ = 1;
                *to++ = p->a_scales[row * (p->depth / d->a_block.size) + k / d->a_block.size];
            }
            *to++ = row + 1 == run.row + run.rows ? LAST : 0;
            for (lane = 0; lane < d->rows; lane++)
                to = put(to, code_a(d, p, row, k + lane), bytes_of(&d->a));
        }
    }
}

static unsigned scale_exponent(const lmul_format *scale, uint8_t code)
{
    unsigned exponent = scale->kind == LMUL_UE4M3 ? code >> 3 : code;
    return scale->kind == LMUL_UE4M3 && !exponent ? 1 : exponent;
}

static unsigned largest_exponent(const lmul_format *scale, const uint8_t *codes, size_t count)
{
    unsigned largest = 0;
    for (; count; count--, codes++)
        if (scale_exponent(scale, *codes) > largest)
            largest = scale_exponent(scale, *codes);
    return largest;
}

unsigned lmul_top(const lmul_design *d, const lmul_product *p)
{
    unsigned top = 0;
    if (d->a_block.size)
        top += largest_exponent(&d->a_block.scale, p->a_scales, p->rows * (p->depth / d->a_block.size));
    if (d->b_block.size)
        top += largest_exponent(&d->b_block.scale, p->b_scales, p->depth / d->b_block.size * p->cols);
    return top;
}

int lmul_exponent(const lmul_design *d, const lmul_product *p)
{
    return d->exponent + d->place_factor * p->place + d->top_factor * (int)p->top;
}

size_t lmul_runs(const lmul_design *d, const lmul_product *p)
{
    return whole(p->rows, d->tiled ? d->vectors : d->rows) * whole(p->cols, d->cols);
}

size_t lmul_run_bytes(const lmul_design *d, const lmul_product *p, size_t n)
{
    size_t a = 1 + d->rows * bytes_of(&d->a), b = 1 + d->cols * bytes_of(&d->b);
    if (!d->tiled)
        return p->depth * (a + b);
    return (d->has_places ? 5 : 0)
           + whole(p->depth, d->rows) * (d->rows * b + (d->b_block.size ? 1 + d->cols : 0)
                                         + run_cut(d, p, n).rows * (a + (d->a_block.size ? 2 : 0)));
}

size_t lmul_result_bytes(const lmul_design *d, const lmul_product *p, size_t n)
{
    return run_cut(d, p, n).rows * d->cols * bytes_of(&d->result);
}

void lmul_run_records(const lmul_design *d, const lmul_product *p, size_t n, uint8_t *records)
{
    (d->tiled ? tile_records : array_records)(d, p, run_cut(d, p, n), records);
}

void lmul_run_results(const lmul_design *d, const lmul_product *p, size_t n, const uint8_t *bytes, uint32_t *c)
{
    cut run = run_cut(d, p, n);
    size_t row, col, size = bytes_of(&d->result), i;
    for (row = run.row; row < run.row + run.rows; row++)
        for (col = run.col; col < run.col + d->cols; col++, bytes += size) {
            uint32_t code = 0;
            for (i = size; i; i--)
                code = code << 8 | bytes[i - 1];
            if (row < p->rows && col < p->cols)
                c[row * p->cols + col] = code;
        }
}
