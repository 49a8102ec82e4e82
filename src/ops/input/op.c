/* The input of a network: its images. */
#include "ops/attributes.h"
#include "ops/rules.h"

static const struct gn_attribute attributes[] = {
    GN_INT(struct gn_input_attributes, height, 0, 0),
    GN_INT(struct gn_input_attributes, width, 0, 0),
    GN_INT(struct gn_input_attributes, channels, 0, 0),
};

static gn_status rule(struct gn_rule *r)
{
    const struct gn_input_attributes *a = r->attributes;
    if (a->height < 1 || a->height > GN_MAX_SIZE || a->width < 1 || a->width > GN_MAX_SIZE ||
        a->channels < 1 || a->channels > GN_MAX_CHANNELS)
        GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: %dx%dx%d (sizes 1 to %d, channels 1 to %d are possible)",
                r->name, a->height, a->width, a->channels, GN_MAX_SIZE, GN_MAX_CHANNELS);
    r->g = gn_same_geometry((struct gn_shape){ a->height, a->width, a->channels });
    return GN_OK;
}

const struct gn_operator gn_op_input = {
    .id = GN_OP_INPUT,
    .name = "input",
    .type = "InputLayer",
    .kind = "input",
    .inputs = 0,
    GN_ATTRIBUTES(attributes, struct gn_input_attributes),
    .rule = rule,
};
