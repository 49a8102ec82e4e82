/*
 * Names of layers depend on versions and on how often a cell of a notebook ran, so weights are mapped by rank:
 * in legacy files the lists of names give the order, in others each container's children are ranked by the number
 * at the end of their names, layers before containers.
 */
#include "keras/content.h"

#include "base/memory.h"
#include "file/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { PATH = 512 };

/* ---- Texts ---- */

static const json_t *attribute(const struct gn_keras_content *c, const char *group,
                               const char *name)
{
    return json_object_get(json_object_get(c->attributes, group), name);
}

const char *gn_keras_text(const struct gn_keras_content *c, const char *group, const char *name)
{
    return json_string_value(json_array_get(attribute(c, group, name), 0));
}

/* Text i of a list that is split into NAME0, NAME1, ... where it is long; NULL after the last one. */
static const char *nth_text(const struct gn_keras_content *c, const char *group, const char *name,
                            size_t i)
{
    char part[64];
    const json_t *whole = attribute(c, group, name);
    if (whole != NULL)
        return json_string_value(json_array_get(whole, i));
    for (int k = 0; k < 1000; k++) {
        (void)snprintf(part, sizeof part, "%.40s%d", name, k);
        const json_t *list = attribute(c, group, part);
        if (list == NULL)
            return NULL;
        if (i < json_array_size(list))
            return json_string_value(json_array_get(list, i));
        i -= json_array_size(list);
    }
    return NULL;
}

/* ---- Kinds ---- */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static enum gn_keras_kind kind_by_name(const struct gn_st_tensor *t, enum gn_keras_kind before)
{
    static const struct {
        const char *name;
        enum gn_keras_kind kind;
    } names[] = { { "gamma", GN_KERAS_GAMMA },
                  { "beta", GN_KERAS_BETA },
                  { "moving_mean", GN_KERAS_MEAN },
                  { "moving_variance", GN_KERAS_VARIANCE } };
    const char *name = last_part(t->name);
    const size_t n = strcspn(name, ":");
    if (t->rank == 4)
        return GN_KERAS_KERNEL;
    if (t->rank == 2)
        return GN_KERAS_MATRIX;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i].name) == n && strncmp(name, names[i].name, n) == 0)
            return names[i].kind;
    if (n == 4 && strncmp(name, "bias", n) == 0 && before == GN_KERAS_KERNEL)
        return GN_KERAS_KERNEL_BIAS;
    return n == 4 && strncmp(name, "bias", n) == 0 && before == GN_KERAS_MATRIX
               ? GN_KERAS_MATRIX_BIAS
               : GN_KERAS_OTHER;
}

/* LAYER/vars/NUMBER: a bias follows its kernel; a normalisation has four vectors. */
static enum gn_keras_kind kind_by_number(const struct gn_st_tensor *t, enum gn_keras_kind before)
{
    const int number = atoi(last_part(t->name));
    if (t->rank == 4 && number == 0)
        return GN_KERAS_KERNEL;
    if (t->rank == 2 && number == 0)
        return GN_KERAS_MATRIX;
    if (t->rank != 1 || number > 3)
        return GN_KERAS_OTHER;
    if (number == 1 && before == GN_KERAS_KERNEL)
        return GN_KERAS_KERNEL_BIAS;
    if (number == 1 && before == GN_KERAS_MATRIX)
        return GN_KERAS_MATRIX_BIAS;
    return (enum gn_keras_kind)(GN_KERAS_GAMMA + number);
}

/* ---- Legacy files ---- */

static bool has_names(const struct gn_keras_content *c, const char *group)
{
    return nth_text(c, group, "layer_names", 0) != NULL;
}

static void order_by_lists(struct gn_keras_content *c, const char *root)
{
    const char *layer, *weight;
    c->n = 0;
    for (size_t i = 0; (layer = nth_text(c, root, "layer_names", i)) != NULL; i++) {
        char group[PATH];
        (void)snprintf(group, sizeof group, "%s%s%.200s", root, *root ? "/" : "", layer);
        for (size_t k = 0; (weight = nth_text(c, group, "weight_names", k)) != NULL; k++) {
            char path[2 * PATH];
            (void)snprintf(path, sizeof path, "%s/%.400s", group, weight);
            const struct gn_st_tensor *t = gn_st_find(c->file, path);
            if (t == NULL || c->n >= c->n_all)
                continue;
            c->kinds[c->n] = kind_by_name(t, c->n > 0 ? c->kinds[c->n - 1] : GN_KERAS_OTHER);
            c->list[c->n++] = t;
        }
    }
}

/* ---- Files of paths ---- */

/* Letters by their order, numbers by their value: "conv2d_9" before "conv2d_10". */
static int compare_parts(const char *a, size_t n, const char *b, size_t m, bool reversed)
{
    size_t i = 0, k = 0;
    while (i < n && k < m) {
        if (isdigit((unsigned char)a[i]) && isdigit((unsigned char)b[k])) {
            unsigned long x = 0, y = 0;
            for (; i < n && isdigit((unsigned char)a[i]); i++)
                x = x * 10 % 1000000007 + (unsigned long)(a[i] - '0');
            for (; k < m && isdigit((unsigned char)b[k]); k++)
                y = y * 10 % 1000000007 + (unsigned long)(b[k] - '0');
            if (x != y)
                return x < y ? -1 : 1;
        } else if (a[i] != b[k]) {
            return (a[i] < b[k]) != reversed ? -1 : 1;
        } else {
            i++;
            k++;
        }
    }
    return n - i == m - k ? 0 : n - i < m - k ? -1 : 1;
}

static bool is_vars(const char *rest)
{
    return strncmp(rest, "vars/", 5) == 0 || strncmp(rest, "/vars/", 6) == 0;
}

static int compare_paths(const char *a, const char *b, bool reversed)
{
    for (;;) {
        const size_t n = strcspn(a, "/"), m = strcspn(b, "/");
        if (n != m || strncmp(a, b, n) != 0) {
            /* A layer's own weights first, then layers, then containers. */
            const int x = is_vars(a) ? 0 : is_vars(a + n) ? 1 : 2;
            const int y = is_vars(b) ? 0 : is_vars(b + m) ? 1 : 2;
            return x != y ? x - y : compare_parts(a, n, b, m, reversed);
        }
        if (a[n] == '\0' || b[m] == '\0')
            return 0;
        a += n + 1;
        b += m + 1;
    }
}

static int upwards(const void *a, const void *b)
{
    const struct gn_st_tensor *const *x = a, *const *y = b;
    return compare_paths((*x)->name, (*y)->name, false);
}

static int downwards(const void *a, const void *b)
{
    const struct gn_st_tensor *const *x = a, *const *y = b;
    return compare_paths((*x)->name, (*y)->name, true);
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_layer(const struct gn_keras_content *c, const char *path)
{
    static const char *const roots[] = { "layers/", "_layer_checkpoint_dependencies/" };
    for (size_t k = 0; k < 2; k++)
        for (int i = 0; i < c->n_all; i++)
            if (begins(c->all[i]->name, roots[k]))
                return begins(path, roots[k]);
    return !begins(path, "optimizer") && !begins(path, "_optimizer");
}

static void order_by_paths(struct gn_keras_content *c)
{
    c->n = 0;
    for (int i = 0; i < c->n_all; i++)
        if (is_layer(c, c->all[i]->name))
            c->list[c->n++] = c->all[i];
    qsort(c->list, (size_t)c->n, sizeof *c->list, c->reversed ? downwards : upwards);
    for (int i = 0; i < c->n; i++) {
        const char *own = c->list[i]->name, *other = i > 0 ? c->list[i - 1]->name : "";
        const size_t group = (size_t)(last_part(own) - own);
        const bool same =
            i > 0 && (size_t)(last_part(other) - other) == group && strncmp(own, other, group) == 0;
        c->kinds[i] = kind_by_number(c->list[i], same ? c->kinds[i - 1] : GN_KERAS_OTHER);
    }
}

/* ---- Checkpoints ---- */

/* Of the variables of one layer: a bias follows its kernel. */
static int variable_rank(const char *name)
{
    static const char *const names[] = { "kernel", "bias",        "gamma",
                                         "beta",   "moving_mean", "moving_variance" };
    for (int i = 0; i < 6; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return 6;
}

/* Numbers in the names of a container's parts are their places in it. */
static int by_place(const void *first, const void *second)
{
    const char *a = (*(const struct gn_st_tensor *const *)first)->name;
    const char *b = (*(const struct gn_st_tensor *const *)second)->name;
    for (;;) {
        const size_t n = strcspn(a, "/"), m = strcspn(b, "/");
        if (a[n] == '\0' && b[m] == '\0') {
            const int x = variable_rank(a), y = variable_rank(b);
            return x != y ? x - y : strcmp(a, b);
        }
        if (n != m || strncmp(a, b, n) != 0)
            return compare_parts(a, n, b, m, false);
        a += n + (a[n] != '\0');
        b += m + (b[m] != '\0');
    }
}

static void order_by_place(struct gn_keras_content *c)
{
    for (c->n = 0; c->n < c->n_all; c->n++)
        c->list[c->n] = c->all[c->n];
    qsort(c->list, (size_t)c->n, sizeof *c->list, by_place);
    for (int i = 0; i < c->n; i++)
        c->kinds[i] = kind_by_name(c->list[i], i > 0 ? c->kinds[i - 1] : GN_KERAS_OTHER);
}

void gn_keras_order(struct gn_keras_content *c)
{
    if (c->file == NULL)
        order_by_place(c);
    else if (has_names(c, "model_weights"))
        order_by_lists(c, "model_weights");
    else if (has_names(c, ""))
        order_by_lists(c, "");
    else
        order_by_paths(c);
}

/* ---- The whole ---- */

static gn_status make_lists(struct gn_keras_content *c, int n)
{
    const size_t count = (size_t)n + 1;
    c->list = gn_calloc(count, sizeof *c->list, "weights of a Keras file");
    c->kinds = gn_calloc(count, sizeof *c->kinds, "weights of a Keras file");
    c->all = gn_calloc(count, sizeof *c->all, "weights of a Keras file");
    if (c->list == NULL || c->kinds == NULL || c->all == NULL)
        return gn_last_status();
    c->n_all = n;
    return GN_OK;
}

gn_status gn_keras_content(struct gn_keras_content *c, const char *name, const void *bytes,
                           size_t n)
{
    *c = (struct gn_keras_content){ .file = gn_st_of_bytes(bytes, n, name) };
    if (c->file == NULL)
        return gn_last_status();
    const char *text = gn_st_metadata(c->file, "attributes");
    GN_TRY(gn_json_parse(text == NULL ? "{}" : text, &c->attributes));
    GN_TRY(make_lists(c, gn_st_count(c->file)));
    for (int i = 0; i < c->n_all; i++)
        c->all[i] = gn_st_tensor(c->file, i);
    gn_keras_order(c);
    return GN_OK;
}

gn_status gn_keras_checkpoint(struct gn_keras_content *c, const char *path)
{
    *c = (struct gn_keras_content){ .n = 0 };
    GN_TRY(gn_checkpoint_open(&c->checkpoint, path));
    GN_TRY(make_lists(c, c->checkpoint.n));
    for (int i = 0; i < c->n_all; i++)
        c->all[i] = &c->checkpoint.tensors[i];
    gn_keras_order(c);
    return GN_OK;
}

void gn_keras_content_free(struct gn_keras_content *c)
{
    gn_st_close(c->file);
    gn_checkpoint_close(&c->checkpoint);
    gn_free(c->all);
    json_decref(c->attributes);
    gn_free(c->list);
    gn_free(c->kinds);
}

int gn_keras_nth(const struct gn_keras_content *c, enum gn_keras_kind kind, int i)
{
    for (int k = 0; k < c->n; k++)
        if (c->kinds[k] == kind && i-- == 0)
            return k;
    return -1;
}

int gn_keras_count(const struct gn_keras_content *c, enum gn_keras_kind kind)
{
    int n = 0;
    for (int k = 0; k < c->n; k++)
        n += c->kinds[k] == kind;
    return n;
}

int gn_keras_bias(const struct gn_keras_content *c, int i)
{
    const enum gn_keras_kind wanted =
        c->kinds[i] == GN_KERAS_KERNEL ? GN_KERAS_KERNEL_BIAS : GN_KERAS_MATRIX_BIAS;
    return i + 1 < c->n && c->kinds[i + 1] == wanted ? i + 1 : -1;
}
