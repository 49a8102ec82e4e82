#include "support/resize.h"

#include "base/memory.h"
#include "support/check.h"

static void *prepare(int oh, int ow, int h, int w, int c, gn_resize rule)
{
    const struct gn_resize_shape shape = {
        .oh = oh, .ow = ow, .h = h, .w = w, .c = c, .rule = rule, .whole_h = oh, .whole_w = ow
    };
    void *scratch = gn_alloc(gn_resize_scratch_bytes(&shape), "a test");
    assert_non_null(scratch);
    gn_resize_prepare(scratch, &shape);
    return scratch;
}

void resize_image(float *out, int oh, int ow, const uint8_t *pixels, int h, int w, int c,
                  gn_resize rule)
{
    void *scratch = prepare(oh, ow, h, w, c, rule);
    gn_resize_to_floats(out, pixels, (size_t)w * (size_t)c, scratch);
    gn_free(scratch);
}

void resize_to_bytes(uint8_t *out, int oh, int ow, const uint8_t *pixels, int h, int w, int c,
                     gn_resize rule)
{
    void *scratch = prepare(oh, ow, h, w, c, rule);
    gn_resize_to_bytes(out, pixels, (size_t)w * (size_t)c, scratch);
    gn_free(scratch);
}
