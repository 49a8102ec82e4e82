/* Patterns over the names of tensors: matching, and checking what a caller wrote. */
#include "graph/pattern.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PATTERN_BYTES = 128 };

/* Takes the next item off the list: its pattern, and what follows '=' (NULL: nothing). False
 * at the end of the list. What does not fit is cut off; gn_pattern_check refuses it before. */
static bool next_item(const char **list, char item[PATTERN_BYTES], const char **factor)
{
    if (*list == NULL || **list == '\0')
        return false;
    const size_t length = strcspn(*list, ",");
    (void)snprintf(item, PATTERN_BYTES, "%.*s", (int)(length < 256 ? length : 256), *list);
    *list += length;
    *list += **list == ',';
    char *equals = strchr(item, '=');
    *factor = equals == NULL ? NULL : equals + 1;
    if (equals != NULL)
        *equals = '\0';
    return true;
}

/* The last `*` is tried with ever more characters; an earlier one need not be tried again. */
static bool matches(const char *pattern, const char *name)
{
    const char *star = NULL, *resume = NULL;
    while (true) {
        if (*pattern == '*') {
            star = ++pattern;
            resume = name;
        } else if (*pattern == '\0' && (*name == '\0' || *name == '.')) {
            return true;
        } else if (*name != '\0' && (*pattern == '?' || *pattern == *name)) {
            pattern++;
            name++;
        } else if (star != NULL && *resume != '\0') {
            pattern = star;
            name = ++resume;
        } else {
            return false;
        }
    }
}

bool gn_pattern_matches(const char *list, const char *name)
{
    char item[PATTERN_BYTES];
    const char *factor;
    while (next_item(&list, item, &factor))
        if (matches(item, name))
            return true;
    return false;
}

double gn_pattern_factor(const char *list, const char *name)
{
    char item[PATTERN_BYTES];
    const char *factor;
    double found = 1;
    while (next_item(&list, item, &factor))
        if (matches(item, name) && factor != NULL)
            (void)gn_real_parse(factor, &found);
    return found;
}

static gn_status names_nothing(const char *item, const struct gn_graph *graph, const char *what)
{
    char text[2 * PATTERN_BYTES];
    const char **names =
        gn_calloc((size_t)graph->n_tensors + 1, sizeof *names, "the names of the tensors");
    if (names == NULL)
        return gn_last_status();
    for (int i = 0; i < graph->n_tensors; i++)
        names[i] = graph->tensors[i].name;
    const char *nearest = gn_nearest(item, names);
    (void)gn_fail(GN_STATUS_BAD_ARGUMENT,
                  "%s: pattern \"%s\" names none of the network's %d tensors", what,
                  gn_printable(text, sizeof text, item), graph->n_tensors);
    if (nearest != NULL)
        gn_hint("the nearest name is %s", nearest);
    else if (graph->n_tensors > 0)
        gn_hint("a name is like %s, a pattern like b1.* or *.bias", graph->tensors[0].name);
    gn_free(names);
    return GN_STATUS_BAD_ARGUMENT;
}

static gn_status check_factor(const char *item, const char *factor, const char *what)
{
    char text[2 * PATTERN_BYTES];
    double value;
    if (factor == NULL || !gn_real_parse(factor, &value) || value < 0)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                "%s: \"%s\" needs a factor of 0 or more after it, as in b1.*=0.1", what,
                gn_printable(text, sizeof text, item));
    return GN_OK;
}

gn_status gn_pattern_check(const char *list, bool factors, const struct gn_graph *graph,
                           const char *what)
{
    char item[PATTERN_BYTES];
    const char *factor;
    for (const char *at = list; at != NULL && *at != '\0';) {
        if (strcspn(at, ",") == 0 || strcspn(at, ",") >= PATTERN_BYTES)
            GN_FAIL(GN_STATUS_BAD_ARGUMENT,
                    "%s: a pattern is empty or longer than %d characters; patterns are separated "
                    "by commas",
                    what, PATTERN_BYTES - 1);
        (void)next_item(&at, item, &factor);
        if (factors)
            GN_TRY(check_factor(item, factor, what));
        else if (factor != NULL)
            GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: a pattern has no \"=\"", what);
        bool found = false;
        for (int i = 0; i < graph->n_tensors && !found; i++)
            found = matches(item, graph->tensors[i].name);
        if (!found)
            return names_nothing(item, graph, what);
    }
    return GN_OK;
}
