/* Comparing both sides, the table of what does not fit, and the copy of what does. */
#include "foreign/pairs.h"

#include "base/memory.h"
#include "base/team.h"
#include "base/threads.h"

#include <string.h>

enum { NAME_TEXT = 96, SHAPE_TEXT = 64 };

gn_status gn_pairs_make(struct gn_pairs *pairs)
{
    const int n = pairs->net->graph->n_tensors;
    pairs->of = gn_calloc((size_t)n + 1, sizeof *pairs->of, "weights of a file");
    pairs->used = gn_calloc((size_t)pairs->n_theirs + 1, sizeof *pairs->used, "weights of a file");
    if (pairs->of == NULL || pairs->used == NULL)
        return gn_last_status();
    for (int i = 0; i < n; i++)
        pairs->of[i] = -1;
    return GN_OK;
}

void gn_pairs_free(struct gn_pairs *pairs)
{
    gn_free(pairs->of);
    gn_free(pairs->used);
    pairs->of = NULL;
    pairs->used = NULL;
}

int gn_pairs_find(const struct gn_pairs *pairs, const char *name)
{
    for (int i = 0; i < pairs->n_theirs; i++)
        if (strcmp(pairs->theirs[i]->name, name) == 0)
            return i;
    return -1;
}

const struct gn_st_tensor **gn_pairs_tensors(const struct gn_st_file *file)
{
    const int n = gn_st_count(file);
    const struct gn_st_tensor **list =
        gn_calloc((size_t)n + 1, sizeof *list, "the tensors of a file");
    for (int i = 0; list != NULL && i < n; i++)
        list[i] = gn_st_tensor(file, i);
    return list;
}

/* ---- Both sides ---- */

static bool fits(const struct gn_pairs *p, int i)
{
    uint64_t shape[4];
    const int rank = gn_order_shape(p->net->graph, i, p->order, shape);
    const struct gn_st_tensor *t = p->of[i] < 0 ? NULL : p->theirs[p->of[i]];
    return t != NULL && t->rank == rank &&
           (rank == 0 || memcmp(t->shape, shape, (size_t)rank * sizeof *shape) == 0) &&
           (t->dtype == GN_F32 || t->dtype == GN_F64 || t->dtype == GN_F16 || t->dtype == GN_BF16);
}

struct table {
    char *text;
    size_t size, at;
    bool full;
};

static void line(struct table *table, const char *mark, const char *ours, const char *theirs)
{
    if (table->text == NULL || table->full)
        return;
    const size_t left = table->size - table->at;
    const int n = snprintf(table->text + table->at, left, "%s %-44s %s\n", mark, ours, theirs);
    if (n > 0 && (size_t)n < left)
        table->at += (size_t)n;
    else
        table->full = true;
    table->text[table->at] = '\0';
}

static void side(char *text, size_t size, const char *name, const uint64_t *shape, int rank)
{
    char clean[NAME_TEXT], numbers[SHAPE_TEXT];
    (void)snprintf(text, size, "%s %s", gn_printable(clean, sizeof clean, name),
                   gn_st_shape_text(numbers, sizeof numbers, shape, rank));
}

static void their_side(char *text, size_t size, const struct gn_st_tensor *t)
{
    if (t == NULL)
        (void)snprintf(text, size, "-");
    else
        side(text, size, t->name, t->shape, t->rank);
}

static void write_table(const struct gn_pairs *p, const struct gn_import_options *options)
{
    char ours[256], theirs[256];
    struct table table = { options->table, options->table_size, 0, options->table_size == 0 };
    line(&table, " ", "the network", "the file");
    for (int i = 0; i < p->net->graph->n_tensors; i++) {
        uint64_t shape[4];
        const int rank = gn_order_shape(p->net->graph, i, p->order, shape);
        side(ours, sizeof ours, p->net->graph->tensors[i].name, shape, rank);
        their_side(theirs, sizeof theirs, p->of[i] < 0 ? NULL : p->theirs[p->of[i]]);
        line(&table, fits(p, i) ? " " : "!", ours, theirs);
    }
    for (int i = 0; i < p->n_theirs; i++) {
        their_side(theirs, sizeof theirs, p->theirs[i]);
        if (!p->used[i])
            line(&table, "!", "-", theirs);
    }
}

/* The sentence names the first of each fault. */
static gn_status complain(const struct gn_pairs *p, int wrong, int n_wrong, int left, int n_left)
{
    char ours[256], theirs[256];
    if (wrong >= 0) {
        uint64_t shape[4];
        const int rank = gn_order_shape(p->net->graph, wrong, p->order, shape);
        side(ours, sizeof ours, p->net->graph->tensors[wrong].name, shape, rank);
        their_side(theirs, sizeof theirs, p->of[wrong] < 0 ? NULL : p->theirs[p->of[wrong]]);
        (void)gn_fail(GN_STATUS_BAD_MODEL,
                      "%s: %s: %d of %d tensors of the network do not fit, the first is %s, of the "
                      "file %s",
                      p->name, p->kind, n_wrong, p->net->graph->n_tensors, ours,
                      p->of[wrong] < 0 ? "none" : theirs);
    } else {
        their_side(theirs, sizeof theirs, p->theirs[left]);
        (void)gn_fail(GN_STATUS_BAD_MODEL,
                      "%s: %s: %d tensors of the file have no place in the network, the first is "
                      "%s",
                      p->name, p->kind, n_left, theirs);
    }
    gn_hint("%s", p->why != NULL ? p->why
                                 : "name the network of these weights: .model, a preset or a .net "
                                   "file");
    return GN_STATUS_BAD_MODEL;
}

gn_status gn_pairs_check(const struct gn_pairs *p, const struct gn_import_options *options)
{
    int wrong = -1, n_wrong = 0, left = -1, n_left = 0;
    for (int i = p->net->graph->n_tensors - 1; i >= 0; i--)
        if (!fits(p, i)) {
            wrong = i;
            n_wrong++;
        }
    for (int i = p->n_theirs - 1; i >= 0; i--)
        if (!p->used[i]) {
            left = i;
            n_left++;
        }
    if (wrong < 0 && left < 0)
        return GN_OK;
    write_table(p, options);
    return complain(p, wrong, n_wrong, left, n_left);
}

/* ---- Copying ---- */

struct copying {
    const struct gn_pairs *pairs;
    bool *done;
};

static void copy_one(void *argument, size_t i)
{
    const struct copying *c = argument;
    const struct gn_pairs *p = c->pairs;
    const struct gn_tensor *t = &p->net->graph->tensors[i];
    float *values = gn_alloc(t->count * sizeof *values, "a tensor of a file");
    if (values == NULL) {
        c->done[i] = false;
        return;
    }
    (void)gn_st_to_float(p->theirs[p->of[i]], values);
    gn_order_take(p->net->graph, (int)i, p->order, values, p->net->params + t->offset);
    c->done[i] = true;
    gn_free(values);
}

gn_status gn_pairs_copy(const struct gn_pairs *p)
{
    const int n = p->net->graph->n_tensors;
    GN_TRY(gn_net_reserve(p->net));
    bool *done = gn_calloc((size_t)n + 1, sizeof *done, "weights of a file");
    if (done == NULL)
        return gn_last_status();
    struct copying copying = { p, done };
    gn_parallel(gn_usable_threads(NULL), (size_t)n, copy_one, &copying);
    gn_status status = GN_OK;
    for (int i = 0; i < n && status == GN_OK; i++)
        if (!done[i])
            status = gn_fail(GN_STATUS_NO_MEMORY, "%s: %s: no memory for tensor %s", p->name,
                             p->kind, p->net->graph->tensors[i].name);
    gn_free(done);
    return status;
}
