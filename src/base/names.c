/* A growing list of texts: blocks of characters that are only appended to, and an array of pointers
 * into them, which is what gets sorted. */
#include "base/names.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 << 10, FIRST_ROOM = 64 };

struct gn_name_block {
    struct gn_name_block *before;
    size_t used, room;
    char text[];
};

static char *reserve(struct gn_names *names, size_t bytes)
{
    struct gn_name_block *block = names->block;
    if (block == NULL || block->room - block->used < bytes) {
        const size_t room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
        block = gn_alloc(sizeof *block + room, "names of files");
        if (block == NULL)
            return NULL;
        block->before = names->block;
        block->used = 0;
        block->room = room;
        names->block = block;
    }
    char *text = block->text + block->used;
    block->used += bytes;
    return text;
}

gn_status gn_names_add(struct gn_names *names, const char *text)
{
    const size_t bytes = strlen(text) + 1;
    if (names->n == names->room) {
        const size_t room = names->room == 0 ? FIRST_ROOM : 2 * names->room;
        const char **grown = gn_realloc(names->text, room * sizeof *grown, "names of files");
        if (grown == NULL)
            return gn_last_status();
        names->text = grown;
        names->room = room;
    }
    char *copy = reserve(names, bytes);
    if (copy == NULL)
        return gn_last_status();
    memcpy(copy, text, bytes);
    names->text[names->n++] = copy;
    return GN_OK;
}

void gn_names_free(struct gn_names *names)
{
    while (names->block != NULL) {
        struct gn_name_block *before = names->block->before;
        gn_free(names->block);
        names->block = before;
    }
    gn_free(names->text);
    *names = (struct gn_names){ 0 };
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path);
}

static int by_folder(const void *pa, const void *pb)
{
    const char *a = *(const char *const *)pa, *b = *(const char *const *)pb;
    const size_t na = folder_length(a), nb = folder_length(b);
    const int order = memcmp(a, b, na < nb ? na : nb);
    if (order != 0)
        return order;
    return na != nb ? (na < nb ? -1 : 1) : strcmp(a, b);
}

void gn_names_sort(struct gn_names *names, size_t first)
{
    if (names->n > first + 1)
        qsort(names->text + first, names->n - first, sizeof *names->text, by_bytes);
}

void gn_names_sort_paths(struct gn_names *names, size_t first)
{
    if (names->n > first + 1)
        qsort(names->text + first, names->n - first, sizeof *names->text, by_folder);
}

int gn_names_find(const struct gn_names *names, const char *text)
{
    const char **found =
        names->n == 0 ? NULL : bsearch(&text, names->text, names->n, sizeof *names->text, by_bytes);
    return found == NULL ? -1 : (int)(found - names->text);
}
