/*
 * googlenet train --class-weights FILE: a line a class, its name or number and a factor, apart by blanks. The
 * run keeps the list, not the file, so that it can be resumed whatever becomes of that.
 */
#include "base/number.h"
#include "base/path.h"
#include "cli/report.h"
#include "cli/train.h"
#include "os/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_LINE = 1024, MOST_TEXT = 1 << 16 };

/* Appends "cat=2" for the line "cat 2". 0, or the exit code after the fault was named. */
static int take_line(const char *path, int number, char *line, char *list)
{
    double factor;
    size_t n = strcspn(line, "\r\n");
    while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
        n--;
    line[n] = '\0';
    if (n == 0 || line[0] == '#')
        return 0;
    char *gap = line + n;
    while (gap > line && gap[-1] != ' ' && gap[-1] != '\t')
        gap--;
    if (gap == line || !gn_real_parse(gap, &factor) || !(factor > 0))
        return cli_fail(CLI_USAGE, "%s: line %d is not a class and a factor above 0: \"%s\"", path,
                        number, line);
    char *end = gap;
    while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *end = '\0';
    if (strpbrk(line, ",="))
        return cli_fail(CLI_USAGE,
                        "%s: line %d: write the number of the class, its name \"%s\" has a "
                        "comma or =",
                        path, number, line);
    const size_t used = strlen(list);
    if (used + strlen(line) + strlen(gap) + 3 > MOST_TEXT)
        return cli_fail(CLI_USAGE, "%s: line %d: the file is too long (64 KiB)", path, number);
    (void)snprintf(list + used, MOST_TEXT - used, "%s%s=%s", used ? "," : "", line, gap);
    return 0;
}

int train_read_weights(struct cli_args *args)
{
    struct train *given = args->values;
    const char *path = given->fit.class_weights;
    const int row = cli_find_option(&args->table, "class-weights");
    char line[LONGEST_LINE];
    int code = 0;
    if (!path || strcmp(path, "balanced") == 0 || strchr(path, '='))
        return 0;
    FILE *file = gn_system_open_text(path);
    if (!file)
        return cli_fail(CLI_USAGE,
                        "--class-weights %s: neither \"balanced\", nor CLASS=X, nor a file "
                        "that can be read: %s",
                        path, strerror(errno));
    char *list = cli_calloc(MOST_TEXT, 1);
    for (int number = 1; !code && fgets(line, sizeof line, file); number++)
        code = take_line(path, number, line, list);
    if (!code && (ferror(file) || !list[0]))
        code = cli_fail(CLI_USAGE, "%s: holds no weights of classes", path);
    fclose(file);
    free(args->lists[row]);
    args->lists[row] = list; /* freed with the others */
    given->fit.class_weights = list;
    return code;
}
