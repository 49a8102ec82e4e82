/* --require NAME=X[,NAME=X...]: figures below which `eval` fails, for other people's tests. */
#include "base/number.h"
#include "cli/eval.h"
#include "cli/report.h"

#include <stdlib.h>
#include <string.h>

static double macro_f1(const struct gn_evaluation_figures *f)
{
    return f->macro.f1;
}

static double macro_precision(const struct gn_evaluation_figures *f)
{
    return f->macro.precision;
}

static double macro_recall(const struct gn_evaluation_figures *f)
{
    return f->macro.recall;
}

static double weighted_f1(const struct gn_evaluation_figures *f)
{
    return f->weighted.f1;
}

static double accuracy(const struct gn_evaluation_figures *f)
{
    return f->accuracy;
}

static double low(const struct gn_evaluation_figures *f)
{
    return f->low;
}

/* Figures of which more is better; topK besides. */
static const struct {
    const char *name;
    double (*value)(const struct gn_evaluation_figures *figures);
} figures[] = { { "accuracy", accuracy },         { "interval_low", low },
                { "macro_f1", macro_f1 },         { "macro_precision", macro_precision },
                { "macro_recall", macro_recall }, { "weighted_f1", weighted_f1 } };

struct requirement {
    int top;    /* topK; 0: a figure of the table */
    int figure; /* its row */
    double least;
    char name[32];
};

static bool find(const char *name, struct requirement *r)
{
    if (strncmp(name, "top", 3) == 0 && name[3] != '+' &&
        gn_int_parse(name + 3, 1, 1 << 15, &r->top))
        return true;
    r->top = 0;
    for (r->figure = 0; r->figure < CLI_COUNT_OF(figures); r->figure++)
        if (strcmp(name, figures[r->figure].name) == 0)
            return true;
    return false;
}

/* The next requirement of a list; NULL at its end, and with `fault` set where it is none. */
static const char *next(const char *list, struct requirement *r, bool *fault)
{
    const size_t n = strcspn(list, ",");
    const size_t name = strcspn(list, "=,");
    if (*list == '\0')
        return NULL;
    *fault = true;
    if (name >= n || name >= sizeof r->name)
        return NULL;
    memcpy(r->name, list, name);
    r->name[name] = '\0';
    const char *end = gn_real_scan(list + name + 1, &r->least);
    if (end != list + n || !find(r->name, r) || r->least < 0 || r->least > 1)
        return NULL;
    *fault = false;
    return list[n] == ',' ? list + n + 1 : list + n;
}

bool cli_requirements_make_sense(const char *list)
{
    struct requirement r;
    bool fault = false;
    for (const char *at = list; at;)
        at = next(at, &r, &fault);
    if (fault)
        cli_fail(CLI_USAGE,
                 "eval: --require %s: a list of NAME=X is needed, with X from 0 to 1 and a NAME of "
                 "top1, top5, accuracy, interval_low, macro_f1, macro_precision, macro_recall, "
                 "weighted_f1",
                 list);
    return !fault;
}

int cli_requirements_missed(const char *list, const struct cli_evaluated *found)
{
    struct requirement r;
    bool fault = false;
    int missed = 0;
    for (const char *at = list; (at = at ? next(at, &r, &fault) : NULL) != NULL;) {
        char is[GN_NUMBER_TEXT], least[GN_NUMBER_TEXT];
        const double value = r.top > 0 ? gn_evaluation_top(found->evaluation, r.top)
                                       : figures[r.figure].value(&found->figures);
        if (value >= r.least)
            continue;
        missed++;
        cli_fail(CLI_FAILED, "eval: %s is %s, below the required %s", r.name,
                 gn_fixed_text(value, 4, is), gn_decimal_text(r.least, least));
    }
    return missed;
}
