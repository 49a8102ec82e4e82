/*
 * What is different on Windows (src/os/windows.c): windows MODEL FOLDER, with the model also as
 * größe.safetensors in FOLDER. Ends with 0 and "ok", or with the line that is wrong.
 */
#include <googlenet.h>

#include <locale.h>
#include <string.h>

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: %s; last error: %s\n", __LINE__, #condition,                 \
                    gn_error_message());                                                           \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static bool says(const char *path, const char *sentence)
{
    const struct gn_load_options options = { .path = path };
    gn_net *net = gn_load_with(&options);
    const bool right = net == NULL && strstr(gn_error_message(), sentence) != NULL;
    gn_free_net(net);
    return right;
}

/* Names of files are UTF-8, whatever the system's code page. */
static int files(const char *folder)
{
    char path[512];
    (void)snprintf(path, sizeof path,
                   "%s\\gr\xc3\xb6\xc3\x9f"
                   "e.safetensors",
                   folder);
    const struct gn_load_options options = { .path = path };
    gn_net *net = gn_load_with(&options);
    MUST(net != NULL);
    gn_free_net(net);
    MUST(says(folder, "is a folder"));
    MUST(says("nothing.safetensors", "there is no such file"));
    MUST(says("gr\xf6\xdf"
              "e.safetensors",
              "there is no such file")); /* no UTF-8 */
    MUST(says("NUL", "is a character device, not a file"));
    return 0;
}

/* A locale with a comma changes no number that the library reads or prints, and stays the program's. */
static int locales(const char *model)
{
    const struct gn_load_options options = { .path = model };
    char text[32];
    MUST(setlocale(LC_ALL, "German_Germany.1252") != NULL);
    gn_net *net = gn_load_with(&options);
    MUST(net != NULL);
    gn_free_net(net);
    const struct gn_preset_options huge = { .preset = "googlenet", .size = 1000000 };
    net = gn_preset_with(&huge);
    const char *point = strchr(gn_error_message(), '.');
    MUST(net == NULL && point != NULL && point[1] >= '0' && point[1] <= '9');
    (void)snprintf(text, sizeof text, "%.1f", 0.5);
    MUST(strcmp(text, "0,5") == 0);
    return 0;
}

int main(int argc, char **argv)
{
    struct gn_system_info info;
    if (argc < 3)
        return 2;
    MUST(gn_system_describe(&info) == GN_OK && info.threads >= 1 && info.memory_bytes > 1 << 20);
    if (files(argv[2]) != 0 || locales(argv[1]) != 0)
        return 1;
    puts("ok");
    return 0;
}
