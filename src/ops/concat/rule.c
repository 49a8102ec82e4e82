/* Shape of a concatenation along the channels. */
#include "ops/rules.h"

gn_status gn_concat_rule(const char *name, const struct gn_shape *in, int n, struct gn_shape *out)
{
    *out = (struct gn_shape){ in[0].h, in[0].w, 0 };
    for (int i = 0; i < n; i++) {
        if (in[i].h != out->h || in[i].w != out->w)
            GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: input %d is %dx%dx%d, input 0 is %dx%dx%d", name, i,
                    in[i].h, in[i].w, in[i].c, in[0].h, in[0].w, in[0].c);
        out->c += in[i].c;
        if (out->c > GN_MAX_CHANNELS)
            GN_FAIL(GN_STATUS_BAD_SHAPE, "%s: %d channels (%d are possible)", name, out->c,
                    GN_MAX_CHANNELS);
    }
    return GN_OK;
}
