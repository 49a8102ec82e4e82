#include "base/words.h"

#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 64, SHOWN_BYTES = 40, REST_BYTES = 32 };

/* Optimal string alignment: insert, delete, replace, swap neighbours. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t rows[3][NAME_BYTES + 1];
    const size_t n = strlen(a), m = strlen(b);
    if (n > NAME_BYTES || m > NAME_BYTES)
        return NAME_BYTES;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            best = above[j] + 1 < best ? above[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = above2[j - 2] + 1 < best ? above2[j - 2] + 1 : best;
            row[j] = best;
        }
    }
    return rows[n % 3][m];
}

const char *gn_nearest(const char *word, const char *const *names)
{
    const size_t length = strlen(word);
    const char *best = NULL;
    size_t best_distance = length / 3 + 2;
    for (; *names != NULL; names++) {
        const size_t common = strlen(*names) < length ? strlen(*names) : length;
        size_t distance = edit_distance(word, *names);
        /* A word cut short or written too long is meant as much as one typing error. */
        if (common >= 2 && strncmp(word, *names, common) == 0 && distance > 1)
            distance = 1;
        if (distance < best_distance) {
            best_distance = distance;
            best = *names;
        }
    }
    return best;
}

/* Bytes of a word that are shown: whole characters of UTF-8. */
static size_t shown_bytes(const char *word)
{
    size_t n = strlen(word);
    if (n <= SHOWN_BYTES)
        return n;
    for (n = SHOWN_BYTES; n > 0 && ((unsigned char)word[n] & 0xc0) == 0x80; n--)
        continue;
    return n;
}

const char *gn_words(char *buffer, size_t size, const char *const *words, size_t n)
{
    size_t used = 0, i = 0;
    (void)snprintf(buffer, size, "%s", n == 0 ? "none" : "");
    for (; i < n; i++) {
        const size_t bytes = shown_bytes(words[i]);
        if (used + bytes + sizeof ", ..." + REST_BYTES > size)
            break;
        (void)snprintf(buffer + used, size - used, "%s%.*s%s", i == 0 ? "" : ", ", (int)bytes,
                       words[i], words[i][bytes] == '\0' ? "" : "...");
        used = strlen(buffer);
    }
    if (i < n)
        (void)snprintf(buffer + used, size - used, ", ... (%zu more)", n - i);
    return buffer;
}
