/* C files and compilers of them: what the tests of exported C files share. */
#ifndef GN_TESTS_COMPILERS_H
#define GN_TESTS_COMPILERS_H

#include "base/text.h"

#include <googlenet.h>

enum { TEST_C_IMAGES = 2 };

#define TEST_C_STRICT "-std=c99 -Wall -Wextra -pedantic -Wconversion -Wshadow -Werror "

struct compiler {
    const char *name, *flags, *runner; /* runner: "" runs here, NULL: compiles alone */
};

enum { TEST_COMPILERS = 10 };
extern struct compiler test_compilers[TEST_COMPILERS];

/* A command that must end with 0. */
void test_shell(const char *format, ...) GN_PRINTF(1, 2);

bool test_has_program(const char *program);

/* Skips the test, with a sentence, when the compiler, its C library or its runner is not installed. */
void test_need_compiler(const struct compiler *c);

/* Writes NAME.c, whose functions begin with "net", the inputs of TEST_C_IMAGES images as NAME.c.inputs, and
 * the library's answers to them into `logits`. */
void test_write_c(gn_net *net, const char *path, float *logits);

/* The program that the compiler makes of such a file must give these answers, `classes` for each image. */
void test_run_c(const struct compiler *c, const char *path, const float *logits, int classes);

#endif
