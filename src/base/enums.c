/* The one place where the values of an enumeration have names. */
#include "base/enums.h"

#include <string.h>

#define NAMES(function, ...)                                                                       \
    const char *function(int i)                                                                    \
    {                                                                                              \
        static const char *const names[] = { __VA_ARGS__ };                                        \
        return i >= 0 && (size_t)i < sizeof names / sizeof names[0] ? names[i] : NULL;             \
    }

NAMES(gn_optimizer_name, [GN_SGD] = "sgd", [GN_ADAMW] = "adamw", [GN_LARS] = "lars",
      [GN_MUON] = "muon")

NAMES(gn_schedule_name, [GN_SCHEDULE_CONSTANT] = "constant", [GN_SCHEDULE_STEP] = "step",
      [GN_SCHEDULE_POLYNOMIAL] = "polynomial", [GN_SCHEDULE_COSINE] = "cosine",
      [GN_SCHEDULE_ONE_CYCLE] = "one-cycle")

NAMES(gn_shuffle_name, [GN_SHUFFLE_FULL] = "full", [GN_SHUFFLE_WINDOW] = "window",
      [GN_SHUFFLE_NONE] = "none")

NAMES(gn_initial_name, [GN_INITIAL_GLOROT] = "glorot", [GN_INITIAL_XAVIER] = "xavier",
      [GN_INITIAL_NORMAL] = "normal")

NAMES(gn_resize_name, [GN_RESIZE_DEFAULT] = "default", [GN_RESIZE_TF1_LEGACY] = "tf1-legacy",
      [GN_RESIZE_HALF_PIXEL] = "half-pixel", [GN_RESIZE_PIL_BILINEAR] = "pil-bilinear")

NAMES(gn_algorithm_name, [GN_ALGORITHM_AUTO] = "auto", [GN_ALGORITHM_DIRECT] = "direct",
      [GN_ALGORITHM_WINOGRAD] = "winograd")

NAMES(gn_weights_name, [GN_WEIGHTS_F32] = "f32", [GN_WEIGHTS_F16] = "f16")

NAMES(gn_bn_group_name, [GN_BN_BATCH] = "batch", [GN_BN_GRAIN] = "grain")

NAMES(gn_bad_image_name, [GN_BAD_STOP] = "stop", [GN_BAD_SKIP] = "skip")

NAMES(gn_tta_name, [GN_TTA_NONE] = "none", [GN_TTA_MIRROR] = "mirror",
      [GN_TTA_MIRROR_SHIFT] = "mirror+shift", [GN_TTA_TEN_CROP] = "ten-crop")

int gn_enum_find(const char *(*name)(int i), int first, const char *text)
{
    for (int i = first; name(i) != NULL; i++)
        if (strcmp(name(i), text) == 0)
            return i;
    return -1;
}
