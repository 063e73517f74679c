/* Numbers to codes and back, as lmul's golden model has them: floats, log codes, integers, and scales of blocks.
   C99 with its mathematics library; nothing is allocated, nothing is kept. */
#ifndef LMUL_CODEC_H
#define LMUL_CODEC_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    LMUL_OTHER,   /* no codec here: codes are taken and given as they are */
    LMUL_FLOAT,   /* sign, exponent, mantissa; subnormals */
    LMUL_LOG,     /* sign, and the base-two logarithm: exp_bits before the point, man_bits behind; field 0 is zero */
    LMUL_INT,     /* two's complement, or unsigned */
    LMUL_E8M0,    /* scales: powers of two */
    LMUL_UE4M3    /* scales: e4m3 without a sign */
} lmul_kind;

typedef enum {
    LMUL_IEEE,     /* the top exponent is Inf and NaN */
    LMUL_NAN_ONLY, /* all ones is NaN; no Inf */
    LMUL_FINITE    /* every code is a number */
} lmul_specials;

/* Beyond the largest number comes the largest; or Inf, or NaN, in formats that have one. */
typedef enum { LMUL_SATURATE, LMUL_OVERFLOW } lmul_overflow;

typedef struct {
    lmul_kind kind;
    unsigned width; /* bits of a code, at most 32 */
    unsigned exp_bits, man_bits;
    int bias;
    lmul_specials specials;
    int is_signed; /* of integers */
} lmul_format;

/* Elements of one format under a scale that they share; size 0: there are none. */
typedef struct {
    lmul_format element, scale;
    size_t size;
} lmul_block;

/* The number of a code, exactly; of a log code the nearest double. */
double lmul_decode(const lmul_format *format, uint32_t code);

/* The code nearest to a number, of two that are equally near the even one. NaN, in a format without one, gives 0:
   ask lmul_has_nan before. */
uint32_t lmul_encode(const lmul_format *format, double value, lmul_overflow overflow);

int lmul_has_nan(const lmul_format *format);

/* The largest number. */
double lmul_largest(const lmul_format *format);

/* The scale of a tensor whose largest magnitude, above 0, is given: its numbers over the scale are to be encoded. Of
   integers below 8 bits and of formats without a codec golden fits scales by least squares; here they get 0. */
double lmul_scale(const lmul_format *format, double largest);

/* Of a tensor in blocks, the power of two by which its numbers are divided before they are encoded; mostly 1. */
double lmul_tensor_scale(const lmul_block *block, double largest);

/* Codes of a block's numbers, each `stride` after the one before; gives the code of the scale. */
uint32_t lmul_encode_block(const lmul_block *block, const double *values, size_t stride, uint32_t *codes);

/* The numbers of a block's codes. */
void lmul_decode_block(const lmul_block *block, const uint32_t *codes, size_t stride, uint32_t scale, double *values);

#endif
