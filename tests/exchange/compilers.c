#include "exchange/compilers.h"

#include "net/net.h"
#include "support/check.h"
#include "support/files.h"

#include <stdlib.h>
#include <sys/wait.h>

struct compiler test_compilers[TEST_COMPILERS] = {
    { "gcc", TEST_C_STRICT "-O2", "" },
    { "gcc", TEST_C_STRICT "-O0", "" },
    { "clang", TEST_C_STRICT "-O2", "" },
    { "i686-linux-gnu-gcc", TEST_C_STRICT "-O2 -static", "" }, /* x87 */
    { "i686-linux-gnu-gcc", "-std=gnu99 -O3 -static", "" },
    { "aarch64-linux-gnu-gcc", TEST_C_STRICT "-O2 -static", "qemu-aarch64" },
    { "aarch64-linux-gnu-gcc", "-std=gnu99 -O3 -static", "qemu-aarch64" }, /* fused sums */
    { "arm-linux-gnueabihf-gcc", TEST_C_STRICT "-O2 -static", "qemu-arm" },
    { "riscv64-linux-gnu-gcc", TEST_C_STRICT "-O2 -static", "qemu-riscv64" },
    { "arm-none-eabi-gcc", TEST_C_STRICT "-O2 -mcpu=cortex-m7 -mthumb -ffreestanding", NULL },
};

void test_shell(const char *format, ...)
{
    char command[1024];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(command, sizeof command, format, list);
    va_end(list);
    const int status = system(command); /* NOLINT: compilers */
    if (status == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("failed: %s", command);
}

bool test_has_program(const char *program)
{
    char command[128];
    (void)snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", program);
    return system(command) == 0; /* NOLINT */
}

/* Whether a compiler whose programs are run has its C library, which is a package of its own. */
static bool has_library(const struct compiler *c)
{
    char command[256];
    if (c->runner == NULL)
        return true;
    (void)snprintf(command, sizeof command,
                   "printf '#include <math.h>\\nint main(void){return 0;}\\n' >trial.c && "
                   "%s %s trial.c -o trial >/dev/null 2>&1",
                   c->name, strstr(c->flags, "-static") != NULL ? "-static" : "");
    return system(command) == 0; /* NOLINT: compilers */
}

void test_need_compiler(const struct compiler *c)
{
    const bool runs = c->runner == NULL || *c->runner == '\0' || test_has_program(c->runner);
    const bool is_there = test_has_program(c->name);
    if (is_there && runs && has_library(c))
        return;
    if (is_there && runs)
        print_message("skipped: %s has no C library\n", c->name);
    else
        print_message("skipped: %s is not installed\n", is_there ? c->runner : c->name);
    skip();
}

void test_write_c(gn_net *net, const char *path, float *logits)
{
    static float inputs[TEST_C_IMAGES * 32 * 32 * 3];
    const size_t n =
        TEST_C_IMAGES * (size_t)net->input.h * (size_t)net->input.w * (size_t)net->input.c;
    char name[64];
    assert_true(n <= sizeof inputs / sizeof *inputs);
    if (gn_export(net, path, .name = "net") != GN_OK)
        fail_msg("%s: %s", path, gn_error_message());
    for (size_t i = 0; i < n; i++)
        inputs[i] = (float)((i * 2654435761U >> 7) % 1000) / 1000 - 0.3F;
    (void)snprintf(name, sizeof name, "%s.inputs", path);
    test_write_file(name, inputs, n * sizeof *inputs);
    if (gn_predict(net, logits, NULL, .inputs = inputs, .n = TEST_C_IMAGES,
                   .algorithm = GN_ALGORITHM_DIRECT) != GN_OK)
        fail_msg("%s", gn_error_message());
}

void test_run_c(const struct compiler *c, const char *path, const float *logits, int classes)
{
    if (c->runner == NULL) {
        test_shell("%s %s -c %s -o net.o", c->name, c->flags, path);
        return;
    }
    test_shell("%s %s -DNET_MAIN %s -o net -lm", c->name, c->flags, path);
    test_shell("%s ./net <%s.inputs >answers", c->runner, path);
    if (!test_file_is("answers", logits, TEST_C_IMAGES * (size_t)classes * sizeof *logits))
        fail_msg("%s: %s %s gives other bits", path, c->name, c->flags);
}
