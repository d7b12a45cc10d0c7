/* What the holders in C have in common. Each is started as `HOLDER KIND` in a directory with the key's forms; loads the
 * key, lets go of the text, signs, says that it is ready and stays. `HOLDER version` prints the library's version. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 5 };

#define CHECK(what)                                                          \
    do {                                                                     \
        if (!(what)) {                                                       \
            fprintf(stderr, "%s:%d: %s failed\n", __FILE__, __LINE__, #what); \
            exit(1);                                                         \
        }                                                                    \
    } while (0)

/* A whole file, with a zero behind it. As in any program, free() does not wipe it. */
static inline unsigned char *load(const char *name, size_t *size) {
    FILE *file = fopen(name, "rb");
    CHECK(file);
    unsigned char *data = (unsigned char *)malloc(16384);
    CHECK(data);
    *size = fread(data, 1, 16383, file);
    data[*size] = 0;
    CHECK(fclose(file) == 0);
    return data;
}

static inline int asked_for_version(int count, char **values) {
    return count > 1 && strcmp(values[1], "version") == 0;
}

static inline int is(const char *kind, const char *family) { return strncmp(kind, family, strlen(family)) == 0; }

static inline void stay(void) {
    FILE *ready = fopen("ready", "w");
    CHECK(ready && fclose(ready) == 0);
    for (;;)
        pause();
}
