/* The views of test-time augmentation: crops, shifts and mirror images of what the network takes. */
#include "infer/views.h"

#include <string.h>

int gn_views(gn_tta tta)
{
    static const int views[] = {
        [GN_TTA_NONE] = 1, [GN_TTA_MIRROR] = 2, [GN_TTA_MIRROR_SHIFT] = 6, [GN_TTA_TEN_CROP] = 10
    };
    return views[tta];
}

/* 256 for 224, as AlexNet and GoogLeNet were tested. */
int gn_view_size(gn_tta tta, int size)
{
    return tta == GN_TTA_TEN_CROP ? (size * 8 + 3) / 7 : size;
}

/* Where the window of a view begins; half of the views are mirrored besides. */
static void origin(gn_tta tta, int view, int extra_h, int extra_w, int *y, int *x)
{
    static const int shifts[] = { 0, 1, -1 }; /* a window further down-right shows it up-left */
    *y = *x = 0;
    if (tta == GN_TTA_MIRROR_SHIFT)
        *y = *x = shifts[view / 2];
    if (tta != GN_TTA_TEN_CROP)
        return;
    const int crop = view / 2;
    *y = crop == 4 ? extra_h / 2 : crop / 2 * extra_h;
    *x = crop == 4 ? extra_w / 2 : crop % 2 * extra_w;
}

static int clamp(int i, int n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

void gn_view(gn_tta tta, int view, const float *images, int n, int height, int width, int channels,
             float *out)
{
    const int from_h = gn_view_size(tta, height), from_w = gn_view_size(tta, width);
    const bool mirrored = view % 2 == 1;
    int top, left;
    origin(tta, view, from_h - height, from_w - width, &top, &left);
    for (int i = 0; i < n; i++)
        for (int y = 0; y < height; y++) {
            const float *row =
                images + ((size_t)i * (size_t)from_h + (size_t)clamp(y + top, from_h)) *
                             (size_t)from_w * (size_t)channels;
            for (int x = 0; x < width; x++, out += channels) {
                const int at = clamp(left + (mirrored ? width - 1 - x : x), from_w);
                memcpy(out, row + (size_t)at * (size_t)channels, (size_t)channels * sizeof(float));
            }
        }
}
