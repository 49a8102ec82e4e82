/* What this build and this machine are: versions, kernel set, threads, memory. */
#include "base/memory.h"
#include "base/threads.h"
#include "cpu/cpu.h"
#include "file/part.h"
#include "ops/kernels.h"
#include "picture/picture.h"

#include "gn_config.h"

#if GN_TRAINING
#include <jansson.h>
#include <zlib.h>
#endif
#include <string.h>

const char *gn_version(void)
{
    return GN_CONFIG_VERSION;
}

int gn_version_number(void)
{
    return GN_VERSION_NUMBER;
}

/* "zlib 1.2.13, jansson 2.14, libjpeg-turbo 2.1.5" and so on. */
static void list_libraries(char *text, size_t size)
{
    text[0] = '\0';
#if GN_TRAINING
    (void)snprintf(text, size, "zlib %s, jansson %s", zlibVersion(), jansson_version_str());
#endif
    const char *format, *library, *version;
    for (int i = 0; gn_picture_format_info(i, &format, &library, &version); i++) {
        const size_t n = strlen(text);
        if (library != NULL && version != NULL)
            (void)snprintf(text + n, size - n, "%s%s %s", n > 0 ? ", " : "", library, version);
    }
}

static bool has_part(const char *name)
{
#if GN_TRAINING && GN_HAS_PLUGINS
    char path[GN_PATH_BYTES];
    return gn_find_part(path, name, NULL);
#else
    (void)name;
    return false;
#endif
}

gn_status gn_system_describe(struct gn_system_info *info)
{
    static _Thread_local char libraries[256];
    GN_NEED(info, "the description");
    const struct gn_kernel_set *kernels = gn_cpu_kernels();
    list_libraries(libraries, sizeof libraries);
    *info = (struct gn_system_info){
        .version = GN_CONFIG_VERSION,
        .compiler = GN_CONFIG_COMPILER,
        .commit = GN_COMMIT,
        .isa = kernels == NULL ? NULL : kernels->isa,
        .isa_available = gn_isa_available(),
        .cpu_features = gn_cpu_features(),
        .memory_bytes = gn_memory_limit(),
        .has_curl = GN_HAVE_CURL,
        .has_cairo = GN_HAVE_CAIRO,
        .has_jpeg = GN_HAVE_JPEG,
        .has_png = GN_HAVE_PNG,
        .has_gif = GN_HAVE_GIF,
        .has_webp = GN_HAVE_WEBP,
        .has_tiff = GN_HAVE_TIFF,
        .has_hdf5 = GN_HAVE_HDF5,
        .has_openmpi = has_part("googlenet-openmpi.so"),
        .has_mpich = has_part("googlenet-mpich.so"),
        .libraries = libraries,
    };
    info->threads = gn_usable_threads(&info->threads_reason);
    return kernels == NULL ? gn_last_status() : GN_OK;
}
