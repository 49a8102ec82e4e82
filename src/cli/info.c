/*
 * googlenet info: the machine as the program sees it, and what this build holds; or what a file is.
 */
#include "base/number.h"
#include "cli/commands.h"
#include "cli/info_file.h"
#include "cli/report.h"
#include "cli/shared.h"

struct info {
    struct cli_common common;
    struct cli_place place;
    struct cli_file_flags file;
};

static const struct info defaults;

static const struct gn_option options[] = {
    CLI_HEADING("Data"),
    CLI_PLACE_ROWS(struct info),
    CLI_HEADING("A file"),
    { .name = "model",
      .kind = GN_OPTION_TEXT,
      .value = "MODEL",
      .offset = offsetof(struct info, file.model),
      .help = "the network of a file that holds weights alone: a preset or a .net file" },
    CLI_CAFFE_ROWS_AT(struct info, file.),
    CLI_COMMON_ROWS(struct info),
};

static json_t *json_presets(void)
{
    json_t *presets = json_array();
    for (int i = 0; gn_preset_name(i); i++)
        json_array_append_new(presets, cli_json_text(gn_preset_name(i)));
    return presets;
}

static json_t *json_data(const char *data_dir)
{
    json_t *sets = json_array();
    struct gn_known_dataset known;
    for (int i = 0; gn_dataset_known(i, data_dir, false, &known) == GN_OK; i++) {
        json_t *set = json_object();
        json_object_set_new(set, "name", cli_json_text(known.name));
        json_object_set_new(set, "where", cli_json_text(known.where));
        json_array_append_new(sets, set);
    }
    gn_clear_error();
    return sets;
}

static void print_json(const struct gn_system_info *system, const char *data_dir)
{
    json_t *root = json_object(), *optional = json_object();
    json_object_set_new(root, "version", cli_json_text(system->version));
    json_object_set_new(root, "commit", cli_json_text(system->commit[0] ? system->commit : NULL));
    json_object_set_new(root, "compiler", cli_json_text(system->compiler));
    json_object_set_new(root, "isa", cli_json_text(system->isa));
    json_object_set_new(root, "isa_available", cli_json_text(system->isa_available));
    json_object_set_new(root, "cpu_features", cli_json_text(system->cpu_features));
    json_object_set_new(root, "threads", json_integer(system->threads));
    json_object_set_new(root, "threads_reason", cli_json_text(system->threads_reason));
    json_object_set_new(root, "memory_bytes", json_integer((json_int_t)system->memory_bytes));
    json_object_set_new(root, "libraries", cli_json_text(system->libraries));
    json_object_set_new(optional, "curl", json_boolean(system->has_curl));
    json_object_set_new(optional, "cairo", json_boolean(system->has_cairo));
    json_object_set_new(optional, "jpeg", json_boolean(system->has_jpeg));
    json_object_set_new(optional, "png", json_boolean(system->has_png));
    json_object_set_new(optional, "gif", json_boolean(system->has_gif));
    json_object_set_new(optional, "webp", json_boolean(system->has_webp));
    json_object_set_new(optional, "tiff", json_boolean(system->has_tiff));
    json_object_set_new(optional, "hdf5", json_boolean(system->has_hdf5));
    json_object_set_new(optional, "openmpi", json_boolean(system->has_openmpi));
    json_object_set_new(optional, "mpich", json_boolean(system->has_mpich));
    json_object_set_new(optional, "microhttpd", json_boolean(cli_serve_library() != NULL));
    json_object_set_new(root, "optional", optional);
    json_object_set_new(root, "presets", json_presets());
    json_object_set_new(root, "data", json_data(data_dir));
    cli_print_json(root);
}

static void print_part(const char *what, bool built_in, const char *library)
{
    if (built_in)
        cli_line("%-13s built in (%s)", what, library);
    else
        cli_line("%-13s not built in: without %s", what, library);
}

static void print_plugin(const char *what, bool is_there, const char *file)
{
    cli_line("%-13s %s (%s)", what, is_there ? "plugin" : "no plugin", file);
}

static void print_text(const struct gn_system_info *system, const char *data_dir)
{
    char memory[GN_NUMBER_TEXT];
    struct gn_known_dataset known;
    cli_line("version       googlenet %s%s%s", system->version,
             system->commit[0] ? ", commit " : "", system->commit);
    cli_line("compiler      %s", system->compiler);
    cli_line("kernels       %s (available: %s)", system->isa, system->isa_available);
    cli_line("CPU features  %s", system->cpu_features);
    cli_line("threads       %d (%s)", system->threads, system->threads_reason);
    cli_line("memory        %s", gn_bytes_text(system->memory_bytes, memory));
    cli_line("libraries     %s", system->libraries);
    print_part("downloads", system->has_curl, "libcurl");
    print_part("curves", system->has_cairo, "cairo");
    print_part("JPEG", system->has_jpeg, "libjpeg-turbo");
    print_part("PNG", system->has_png, "libpng");
    print_part("GIF", system->has_gif, "giflib");
    print_part("WebP", system->has_webp, "libwebp");
    print_part("TIFF", system->has_tiff, "libtiff");
    print_part("Keras files", system->has_hdf5, "libhdf5");
    print_plugin("Open MPI", system->has_openmpi, "googlenet-openmpi.so");
    print_plugin("MPICH", system->has_mpich, "googlenet-mpich.so");
    print_part("HTTP server", cli_serve_library() != NULL, "libmicrohttpd");
    printf("presets      ");
    for (int i = 0; gn_preset_name(i); i++)
        printf(" %s", gn_preset_name(i));
    putchar('\n');
    for (int i = 0; gn_dataset_known(i, data_dir, false, &known) == GN_OK; i++)
        cli_line("%-13s %s: %s", i ? "" : "data sets", known.name,
                 known.where ? known.where : "not on this machine");
    gn_clear_error();
}

static int run(struct cli_args *args)
{
    const struct info *given = args->values;
    struct gn_system_info system;
    if (args->n_arguments > 0)
        return cli_info_file(args->arguments[0], &given->file, given->common.json);
    if (gn_system_describe(&system) != GN_OK)
        return cli_fail_library();
    if (given->common.json)
        print_json(&system, given->place.data_dir);
    else
        print_text(&system, given->place.data_dir);
    return CLI_DONE;
}

const struct cli_command cli_info = {
    .name = "info",
    .usage = "[FILE] [flags]",
    .summary = "show the machine and the parts of this build, or what a file is",
    .examples = "  googlenet info\n"
                "  googlenet info --json\n"
                "  googlenet info theirs.onnx\n"
                "  googlenet info theirs.caffemodel --prototxt deploy.prototxt\n",
    .argument = "FILE",
    .max_arguments = 1,
    .options = options,
    .n_options = CLI_COUNT_OF(options),
    .defaults = &defaults,
    .values_size = sizeof(struct info),
    .run = run,
};
