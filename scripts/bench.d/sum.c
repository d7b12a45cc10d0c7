/* The yardstick of scripts/bench: maps a file and sums it as 64-bit words, PASSES times over the same map.
 *
 * usage: sum FILE PASSES
 *
 * Prints one line a pass: seconds and sum. The first pass meets a fresh map and pays for its page faults, as a scanner
 * does; the later ones find the pages mapped and, if the file is large, in memory but not in the cache.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static void fail(const char *what) {
    perror(what);
    exit(2);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: sum FILE PASSES\n");
        return 2;
    }
    int file = open(argv[1], O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0) fail(argv[1]);
    size_t size = status.st_size;
    const unsigned char *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (bytes == MAP_FAILED) fail("mmap");
    const uint64_t *words = (const uint64_t *)bytes;
    for (int pass = 0; pass < atoi(argv[2]); pass++) {
        double start = now();
        uint64_t sum = 0, rest = 0;
        for (size_t at = 0; at < size / 8; at++) sum += words[at];
        memcpy(&rest, bytes + size / 8 * 8, size % 8);
        printf("%.6f %016llx\n", now() - start, (unsigned long long)(sum + rest));
        /* Memory may have changed, for all the compiler knows: every pass reads it. */
        __asm__ volatile("" ::: "memory");
    }
    return 0;
}
