/* Text in columns of a terminal, by the widths of its characters (base/width.h). */
#include "cli/columns.h"

#include "base/width.h"

#include <string.h>

const char *cli_fit_text(char *to, size_t size, const char *text, int width)
{
    const int all = gn_width(text), most = width > 0 && all > width ? width - 3 : all;
    size_t at = 0, n;
    int used = 0;
    for (; *text; text += n) {
        const int next = gn_character_width(text, &n);
        if (used + next > most || at + n + 1 > size)
            break;
        memcpy(to + at, text, n);
        at += n;
        used += next;
    }
    for (const char *dots = "..."; most < all && *dots && at + 1 < size; dots++, used++)
        to[at++] = *dots;
    for (; used < width && at + 1 < size; used++)
        to[at++] = ' ';
    to[at] = '\0';
    return to;
}
