/* Finds many 16-byte pieces at once in a file's bytes, at every offset.
 *
 * search(data, size, pieces, count, hits, room): pieces are count * 16 bytes in ascending order; hits gets pairs of
 * (offset, index of the first such piece). Returns how many there were, of which at most room are written. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 16, BITS = 22 };

/* Of the middle: digits in wide words begin with zeros, and zeros are what a core has most of. */
static uint32_t slot(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at + 4, sizeof word);
    return (uint32_t)((word * 0x9e3779b97f4a7c15u) >> (64 - BITS));
}

/* The first of the pieces that equals the bytes at `at`, or count. */
static uint64_t which(const uint8_t *at, const uint8_t *pieces, uint64_t count) {
    uint64_t low = 0, high = count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (memcmp(pieces + middle * PIECE, at, PIECE) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && memcmp(pieces + low * PIECE, at, PIECE) == 0 ? low : count;
}

uint64_t search(const uint8_t *data, uint64_t size, const uint8_t *pieces, uint64_t count, uint64_t *hits,
                uint64_t room) {
    uint8_t *known = calloc(1u << (BITS - 3), 1);
    uint64_t found = 0;
    if (!known)
        return UINT64_MAX;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t place = slot(pieces + i * PIECE);
        known[place >> 3] |= 1u << (place & 7);
    }
    for (uint64_t at = 0; at + PIECE <= size; at++) {
        uint32_t place = slot(data + at);
        if (!(known[place >> 3] >> (place & 7) & 1))
            continue;
        uint64_t piece = which(data + at, pieces, count);
        if (piece == count)
            continue;
        if (found < room) {
            hits[2 * found] = at;
            hits[2 * found + 1] = piece;
        }
        found++;
    }
    free(known);
    return found;
}
