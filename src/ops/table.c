/* The table of operators, and what is done with any operator's attributes. */
#include "ops/op.h"

#include <limits.h>
#include <math.h>
#include <string.h>

const struct gn_operator *const gn_operators[GN_OP_COUNT] = {
#define GN_OPERATOR(ID, name) [GN_OP_##ID] = &gn_op_##name,
    GN_OPERATORS(GN_OPERATOR)
#undef GN_OPERATOR
};

const struct gn_operator *gn_operator_named(const char *name)
{
    for (int i = 0; i < GN_OP_COUNT; i++)
        if (gn_operators[i]->rule != NULL && strcmp(gn_operators[i]->name, name) == 0)
            return gn_operators[i];
    return NULL;
}

double gn_attribute_value(const struct gn_attribute *a, const void *attributes)
{
    const void *at = (const char *)attributes + a->offset;
    switch (a->kind) {
    case GN_ATTRIBUTE_INT:
        return *(const int *)at;
    case GN_ATTRIBUTE_FLAG:
        return *(const bool *)at;
    default:
        return *(const double *)at;
    }
}

bool gn_attribute_set(const struct gn_attribute *a, void *attributes, double value)
{
    void *at = (char *)attributes + a->offset;
    if (!isfinite(value))
        return false;
    if (a->kind == GN_ATTRIBUTE_REAL) {
        *(double *)at = value;
        return true;
    }
    const bool is_flag = a->kind == GN_ATTRIBUTE_FLAG;
    if (trunc(value) < value || trunc(value) > value || value < (is_flag ? 0 : INT_MIN) ||
        value > (is_flag ? 1 : INT_MAX))
        return false;
    if (is_flag)
        *(bool *)at = value > 0;
    else
        *(int *)at = (int)value;
    return true;
}

void gn_attributes_copy(const struct gn_operator *op, void *to, const void *from)
{
    GN_ASSERT(op->attribute_bytes <= GN_ATTRIBUTE_BYTES);
    memset(to, 0, op->attribute_bytes);
    for (int i = 0; from != NULL && i < op->n_attributes; i++) {
        static const size_t bytes[] = { [GN_ATTRIBUTE_INT] = sizeof(int),
                                        [GN_ATTRIBUTE_REAL] = sizeof(double),
                                        [GN_ATTRIBUTE_FLAG] = sizeof(bool) };
        const struct gn_attribute *a = &op->attributes[i];
        memcpy((char *)to + a->offset, (const char *)from + a->offset, bytes[a->kind]);
    }
}

gn_status gn_operator_apply(const struct gn_operator *op, struct gn_rule *rule)
{
    for (int i = 0; i < op->n_attributes; i++) {
        const struct gn_attribute *a = &op->attributes[i];
        const double value = gn_attribute_value(a, rule->attributes);
        if (!(value < 0) && !(value > 0) && !isnan(value) && a->otherwise > 0)
            (void)gn_attribute_set(a, rule->attributes, a->otherwise);
    }
    return op->rule(rule);
}
