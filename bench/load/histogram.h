/* Log-linear histograms of nanoseconds: 64 buckets a power of two, so values are kept to within 1.6 %. */
#pragma once
#include <stdint.h>

enum { BUCKETS = 64 * 40 };
typedef struct {
    uint32_t count[BUCKETS];
    uint64_t total, max;
} Histogram;

static int bucket_of(uint64_t value) {
    if (value < 64) return (int)value;
    int power = 63 - __builtin_clzll(value);
    int bucket = (power - 5) * 64 + (int)(value >> (power - 6) & 63);
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static double value_of(int bucket) {
    if (bucket < 64) return bucket;
    return (double)((64ull + (uint64_t)bucket % 64) << (bucket / 64 - 1)) * (1 + 1.0 / 128);
}

static void record(Histogram *in, uint64_t value) {
    in->count[bucket_of(value)]++;
    in->total++;
    if (value > in->max) in->max = value;
}

static double quantile_ms(const Histogram *of, double share) {
    uint64_t seen = 0, wanted = (uint64_t)((double)of->total * share);
    for (int bucket = 0; bucket < BUCKETS; bucket++)
        if ((seen += of->count[bucket]) > wanted) return value_of(bucket) / 1e6;
    return (double)of->max / 1e6;
}
