#include "lmul_codec.h"

#include <float.h>
#include <math.h>

static const lmul_format e4m3 = {LMUL_FLOAT, 8, 4, 3, 7, LMUL_NAN_ONLY, 0};

/* A number below 2**53, rounded to nearest, ties to even, whatever the processor's rounding is. */
static uint64_t rounded(double value)
{
    double whole = floor(value), rest = value - whole;
    uint64_t n = (uint64_t)whole;
    return n + (rest > 0.5 || (rest == 0.5 && (n & 1)));
}

static uint32_t ones(unsigned bits) { return bits >= 32 ? UINT32_MAX : (UINT32_C(1) << bits) - 1; }

static double clamped(double value, double low, double high) { return value < low ? low : value > high ? high : value; }

/* Floats. A field is a code without its sign. */

static uint32_t float_top(const lmul_format *f)
{
    uint32_t field = ones(f->exp_bits + f->man_bits);
    if (f->specials == LMUL_IEEE)
        return (ones(f->exp_bits) << f->man_bits) - 1;
    return f->specials == LMUL_NAN_ONLY ? field - 1 : field;
}

static uint32_t float_nan(const lmul_format *f)
{
    if (f->specials == LMUL_IEEE)
        return ones(f->exp_bits) << f->man_bits | UINT32_C(1) << (f->man_bits - 1);
    return ones(f->exp_bits + f->man_bits);
}

static double float_decode(const lmul_format *f, uint32_t code)
{
    unsigned bits = f->exp_bits + f->man_bits;
    uint32_t field = code & ones(bits), exponent = field >> f->man_bits, man = field & ones(f->man_bits);
    double value;
    if (f->specials != LMUL_FINITE && field > float_top(f))
        value = f->specials == LMUL_IEEE && !man ? (double)INFINITY : (double)NAN;
    else
        value = ldexp(exponent ? man + (double)(UINT32_C(1) << f->man_bits) : man,
                      (exponent ? (int)exponent : 1) - f->bias - (int)f->man_bits);
    return code >> bits & 1 ? -value : value;
}

static uint32_t float_encode(const lmul_format *f, double value, lmul_overflow overflow)
{
    uint32_t sign = signbit(value) ? UINT32_C(1) << (f->exp_bits + f->man_bits) : 0, top = float_top(f);
    uint64_t field = UINT64_MAX;
    if (isnan(value))
        return f->specials == LMUL_FINITE ? 0 : sign | float_nan(f);
    if (!isinf(value)) {
        int exponent; /* of the last binade below the number, subnormals having that of the smallest normal */
        frexp(value, &exponent);
        exponent -= 1;
        if (exponent < 1 - f->bias || value == 0)
            exponent = 1 - f->bias;
        /* A normal number brings its first bit along, which makes the exponent one more. */
        field = rounded(ldexp(fabs(value), (int)f->man_bits - exponent))
                + ((uint64_t)(exponent + f->bias - 1) << f->man_bits);
    }
    if (field <= top)
        return sign | (uint32_t)field;
    return sign | (overflow == LMUL_SATURATE || f->specials == LMUL_FINITE ? top : top + 1);
}

/* Logarithms. */

/* 2**(i / 128) for i from 0 to 127, in units of 2**-63, rounded down. */
static const uint64_t powers[128] = {
    UINT64_C(0x8000000000000000), UINT64_C(0x80b1ed4fd999ab6c), UINT64_C(0x8164d1f3bc030773), UINT64_C(0x8218af4373fc25eb),
    UINT64_C(0x82cd8698ac2ba1d7), UINT64_C(0x8383594eefb6ee36), UINT64_C(0x843a28c3acde4046), UINT64_C(0x84f1f656379c1a29),
    UINT64_C(0x85aac367cc487b14), UINT64_C(0x8664915b923fba03), UINT64_C(0x871f61969e8d1010), UINT64_C(0x87db357ff698d791),
    UINT64_C(0x88980e8092da8527), UINT64_C(0x8955ee03618e5fdc), UINT64_C(0x8a14d575496efd9a), UINT64_C(0x8ad4c6452c728924),
    UINT64_C(0x8b95c1e3ea8bd6e6), UINT64_C(0x8c57c9c4646f4ddd), UINT64_C(0x8d1adf5b7e5ba9e5), UINT64_C(0x8ddf042022e69cd5),
    UINT64_C(0x8ea4398b45cd53c0), UINT64_C(0x8f6a8117e6c8e5c4), UINT64_C(0x9031dc431466b1dc), UINT64_C(0x90fa4c8beee4b12a),
    UINT64_C(0x91c3d373ab11c336), UINT64_C(0x928e727d9531f9ac), UINT64_C(0x935a2b2f13e6e92b), UINT64_C(0x9426ff0fab1c04b6),
    UINT64_C(0x94f4efa8fef70961), UINT64_C(0x95c3fe86d6cc7fee), UINT64_C(0x96942d3720185a00), UINT64_C(0x97657d49f17ab08e),
    UINT64_C(0x9837f0518db8a96f), UINT64_C(0x990b87e266c189a9), UINT64_C(0x99e0459320b7fa64), UINT64_C(0x9ab62afc94ff864a),
    UINT64_C(0x9b8d39b9d54e5538), UINT64_C(0x9c6573682ec32c2d), UINT64_C(0x9d3ed9a72cffb750), UINT64_C(0x9e196e189d472420),
    UINT64_C(0x9ef5326091a111ad), UINT64_C(0x9fd228256400dd05), UINT64_C(0xa0b0510fb9714fc2), UINT64_C(0xa18faeca8544b6e3),
    UINT64_C(0xa27043030c496818), UINT64_C(0xa3520f68e802bb92), UINT64_C(0xa43515ae09e6809e), UINT64_C(0xa5195786be9ef339),
    UINT64_C(0xa5fed6a9b15138ea), UINT64_C(0xa6e594cfeee86b1d), UINT64_C(0xa7cd93b4e9653569), UINT64_C(0xa8b6d5167b320e08),
    UINT64_C(0xa9a15ab4ea7c0ef8), UINT64_C(0xaa8d2652ec907629), UINT64_C(0xab7a39b5a93ed337), UINT64_C(0xac6896a4be3fe929),
    UINT64_C(0xad583eea42a14ac6), UINT64_C(0xae493452ca35b80e), UINT64_C(0xaf3b78ad690a4374), UINT64_C(0xb02f0dcbb6e04583),
    UINT64_C(0xb123f581d2ac258f), UINT64_C(0xb21a31a66618fe3b), UINT64_C(0xb311c412a9112489), UINT64_C(0xb40aaea2654b9840),
    UINT64_C(0xb504f333f9de6484), UINT64_C(0xb60093a85ed5f76b), UINT64_C(0xb6fd91e328d17791), UINT64_C(0xb7fbefca8ca41e7c),
    UINT64_C(0xb8fbaf4762fb9ee9), UINT64_C(0xb9fcd2452c0b9dea), UINT64_C(0xbaff5ab2133e45fb), UINT64_C(0xbc034a7ef2e9fb0c),
    UINT64_C(0xbd08a39f580c36be), UINT64_C(0xbe0f6809860993e2), UINT64_C(0xbf1799b67a731082), UINT64_C(0xc0213aa1f0d08db0),
    UINT64_C(0xc12c4cca66709456), UINT64_C(0xc238d2311e3d6672), UINT64_C(0xc346ccda24976407), UINT64_C(0xc4563ecc5334cb32),
    UINT64_C(0xc5672a115506dadd), UINT64_C(0xc67990b5aa245f79), UINT64_C(0xc78d74c8abb9b15c), UINT64_C(0xc8a2d85c8ffe2c45),
    UINT64_C(0xc9b9bd866e2f27a2), UINT64_C(0xcad2265e4290774d), UINT64_C(0xcbec14fef2727c5c), UINT64_C(0xcd078b86503dcdd1),
    UINT64_C(0xce248c151f8480e3), UINT64_C(0xcf4318cf191918c1), UINT64_C(0xd06333daef2b2594), UINT64_C(0xd184df6251699ac6),
    UINT64_C(0xd2a81d91f12ae45a), UINT64_C(0xd3ccf099859ac379), UINT64_C(0xd4f35aabcfedfa1f), UINT64_C(0xd61b5dfe9f9bce06),
    UINT64_C(0xd744fccad69d6af4), UINT64_C(0xd870394c6db32c84), UINT64_C(0xd99d15c278afd7b5), UINT64_C(0xdacb946f2ac9cc71),
    UINT64_C(0xdbfbb797daf23755), UINT64_C(0xdd2d818508324c20), UINT64_C(0xde60f4825e0e9123), UINT64_C(0xdf9612deb8f04420),
    UINT64_C(0xe0ccdeec2a94e111), UINT64_C(0xe2055afffe83d368), UINT64_C(0xe33f8972be8a5a51), UINT64_C(0xe47b6ca0373da88d),
    UINT64_C(0xe5b906e77c8348a8), UINT64_C(0xe6f85aaaee1fce22), UINT64_C(0xe8396a503c4bdc68), UINT64_C(0xe97c38406c4f8c56),
    UINT64_C(0xeac0c6e7dd24392e), UINT64_C(0xec0718b64c1cbddc), UINT64_C(0xed4f301ed9942b84), UINT64_C(0xee990f980da3025b),
    UINT64_C(0xefe4b99bdcdaf5cb), UINT64_C(0xf13230a7ad094509), UINT64_C(0xf281773c59ffb139), UINT64_C(0xf3d28fde3a641a5a),
    UINT64_C(0xf5257d152486cc2c), UINT64_C(0xf67a416c733f846d), UINT64_C(0xf7d0df730ad13bb8), UINT64_C(0xf92959bb5dd4ba74),
    UINT64_C(0xfa83b2db722a033a), UINT64_C(0xfbdfed6ce5f09c48), UINT64_C(0xfd3e0c0cf486c174), UINT64_C(0xfe9e115c7b8f884b)
};

/* The power at a place of so many, doubled where the place is the end of the octave. */
static uint64_t half_power(unsigned place, unsigned man_bits)
{
    return place >> man_bits ? UINT64_C(1) << 63 : powers[place << (7 - man_bits)] >> 1;
}

static double log_decode(const lmul_format *f, uint32_t code)
{
    unsigned bits = f->exp_bits + f->man_bits;
    uint32_t field = code & ones(bits);
    double value = 0;
    if (field) {
        uint64_t power = powers[(field & ones(f->man_bits)) << (7 - f->man_bits)];
        uint64_t nearest = (power >> 11) + (power >> 10 & 1); /* never a tie: but for 1 these are irrational */
        value = ldexp((double)nearest, (int)(field >> f->man_bits) - f->bias - 52);
    }
    return code >> bits & 1 ? -value : value;
}

/* A number is larger than one halfway between two codes, or smaller: halfway is irrational. */
static uint32_t log_encode(const lmul_format *f, double value)
{
    uint32_t sign = signbit(value) ? UINT32_C(1) << (f->exp_bits + f->man_bits) : 0;
    uint32_t top = ones(f->exp_bits + f->man_bits);
    unsigned place = 0, count = 1u << f->man_bits;
    int exponent;
    int64_t field;
    uint64_t size;
    if (isnan(value))
        return 0;
    if (isinf(value))
        return sign | top;
    size = (uint64_t)ldexp(frexp(fabs(value), &exponent), 64 - 11) << 11; /* the number in units of 2**-63 of an octave */
    exponent -= 1;
    if (!size)
        return sign;
    while (place < count && size > half_power(place, f->man_bits) + half_power(place + 1, f->man_bits))
        place++;
    field = ((int64_t)exponent + f->bias) * count + place;
    if (field < 1) { /* above half the smallest number that comes, below it zero */
        uint64_t first = count == 1 ? UINT64_MAX : powers[1 << (7 - f->man_bits)];
        field = exponent > -f->bias - 1 || (exponent == -f->bias - 1 && size > first);
    }
    return sign | (field > (int64_t)top ? top : (uint32_t)field);
}

/* Integers. */

static double int_low(const lmul_format *f) { return f->is_signed ? -ldexp(1, (int)f->width - 1) : 0; }

static double int_high(const lmul_format *f) { return ldexp(1, (int)f->width - !!f->is_signed) - 1; }

static double int_decode(const lmul_format *f, uint32_t code)
{
    code &= ones(f->width);
    return f->is_signed && code >> (f->width - 1) ? code - ldexp(1, (int)f->width) : (double)code;
}

static uint32_t int_encode(const lmul_format *f, double value)
{
    if (isnan(value))
        return 0;
    value = clamped(value, int_low(f), int_high(f));
    return (value < 0 ? 0 - (uint32_t)rounded(-value) : (uint32_t)rounded(value)) & ones(f->width);
}

/* Scales. */

static uint32_t power_encode(double value, lmul_overflow overflow)
{
    int exponent;
    double mantissa;
    if (isnan(value))
        return 255;
    if (value < 0x1p-127)
        value = 0x1p-127;
    mantissa = isinf(value) ? 0.5 : frexp(value, &exponent);
    if (isinf(value) || exponent + 126 + (mantissa >= 0.75) > 254)
        return overflow == LMUL_SATURATE ? 254 : 255;
    return (uint32_t)(exponent + 126 + (mantissa >= 0.75)); /* halves upwards */
}

static uint32_t unsigned_encode(double value, lmul_overflow overflow)
{
    if (isnan(value))
        return 127;
    return float_encode(&e4m3, value > 0 ? value : 0, overflow) & 127;
}

/* All kinds. */

double lmul_decode(const lmul_format *format, uint32_t code)
{
    switch (format->kind) {
    case LMUL_FLOAT:
        return float_decode(format, code);
    case LMUL_LOG:
        return log_decode(format, code);
    case LMUL_INT:
        return int_decode(format, code);
    case LMUL_E8M0:
        return code == 255 ? (double)NAN : ldexp(1, (int)code - 127);
    case LMUL_UE4M3:
        return float_decode(&e4m3, code & 127);
    default:
        return code;
    }
}

uint32_t lmul_encode(const lmul_format *format, double value, lmul_overflow overflow)
{
    switch (format->kind) {
    case LMUL_FLOAT:
        return float_encode(format, value, overflow);
    case LMUL_LOG:
        return log_encode(format, value);
    case LMUL_INT:
        return int_encode(format, value);
    case LMUL_E8M0:
        return power_encode(value, overflow);
    case LMUL_UE4M3:
        return unsigned_encode(value, overflow);
    default:
        return 0;
    }
}

int lmul_has_nan(const lmul_format *format)
{
    return format->kind == LMUL_E8M0 || format->kind == LMUL_UE4M3
           || (format->kind == LMUL_FLOAT && format->specials != LMUL_FINITE);
}

double lmul_largest(const lmul_format *format)
{
    switch (format->kind) {
    case LMUL_FLOAT:
        return float_decode(format, float_top(format));
    case LMUL_LOG:
        return log_decode(format, ones(format->exp_bits + format->man_bits));
    case LMUL_INT:
        return int_high(format) > 0 ? int_high(format) : 1; /* one signed bit has 0 and -1 */
    case LMUL_E8M0:
        return 0x1p127;
    case LMUL_UE4M3:
        return 448;
    default:
        return 0;
    }
}

/* The smallest power of two that a tensor's numbers may be divided by to be no larger than `most`, up to which an
   octave of the format reaches; or what brings the largest into [1, 2). */
static double power_scale(double largest, double most, int within)
{
    int exponent, above;
    double mantissa = frexp(largest, &exponent), top = frexp(within ? most : 1, &above);
    exponent += within ? (mantissa > top) - above : -1;
    return ldexp(1, exponent < -1022 ? -1022 : exponent);
}

double lmul_scale(const lmul_format *format, double largest)
{
    double scale;
    switch (format->kind) {
    case LMUL_FLOAT:
        return power_scale(largest, lmul_largest(format), format->width <= 8);
    case LMUL_LOG:
        return power_scale(largest, lmul_largest(format), format->exp_bits <= 5);
    case LMUL_INT:
        scale = largest / lmul_largest(format);
        return format->width < 8 ? 0 : scale < DBL_MIN ? DBL_MIN : scale;
    default:
        return 0;
    }
}

/* What a block whose largest magnitude is given would have as its scale, if that were no code. */
static double exact_scale(const lmul_block *block, double largest)
{
    int exponent, top;
    if (block->scale.kind != LMUL_E8M0)
        return largest / lmul_largest(&block->element);
    frexp(largest, &exponent);
    frexp(lmul_largest(&block->element), &top);
    return largest > 0 ? ldexp(1, exponent - top) : 0;
}

double lmul_tensor_scale(const lmul_block *block, double largest)
{
    int exponent;
    double mantissa;
    if (!(largest > 0))
        return 1;
    if (block->scale.kind == LMUL_E8M0) { /* the largest scale at 2**127 at the most, and 64 octaves of room below */
        frexp(exact_scale(block, largest), &exponent);
        return ldexp(1, exponent < 64 - 127 ? exponent - (64 - 127) : exponent > 128 ? exponent - 128 : 0);
    }
    mantissa = frexp(exact_scale(block, largest) / lmul_largest(&block->scale), &exponent);
    return ldexp(1, exponent - (mantissa == 0.5)); /* the largest scale from above 224 to 448 */
}

uint32_t lmul_encode_block(const lmul_block *block, const double *values, size_t stride, uint32_t *codes)
{
    double largest = 0, by;
    uint32_t scale;
    size_t n;
    for (n = 0; n < block->size; n++)
        if (fabs(values[n * stride]) > largest)
            largest = fabs(values[n * stride]);
    scale = lmul_encode(&block->scale, exact_scale(block, largest), LMUL_SATURATE);
    by = lmul_decode(&block->scale, scale);
    for (n = 0; n < block->size; n++)
        codes[n * stride] = lmul_encode(&block->element, values[n * stride] / (by > 0 ? by : 1), LMUL_SATURATE);
    return scale;
}

void lmul_decode_block(const lmul_block *block, const uint32_t *codes, size_t stride, uint32_t scale, double *values)
{
    size_t n;
    for (n = 0; n < block->size; n++)
        values[n * stride] = lmul_decode(&block->element, codes[n * stride]) * lmul_decode(&block->scale, scale);
}
