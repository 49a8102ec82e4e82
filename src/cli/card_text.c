/* Names of files and classes are anybody's: in a card they must neither become a heading, a link or HTML, nor end
 * the front matter. */
#include "cli/card.h"
#include "cli/report.h"

#include <stdlib.h>
#include <string.h>

static char *printable(const char *text)
{
    const size_t size = strlen(text) + sizeof "...";
    char *shown = cli_calloc(size, 1);
    (void)gn_printable(shown, size, text);
    return shown;
}

void card_name(FILE *out, const char *text)
{
    char *shown = printable(text);
    for (const char *p = shown; *p; p++) {
        if (*p == '<')
            fputs("&lt;", out);
        else if (*p == '>')
            fputs("&gt;", out);
        else if (*p == '&')
            fputs("&amp;", out);
        else if (strchr("\\`*_{}[]()#+!|~$:@", *p)) /* also what GitHub makes of mail and issues */
            fprintf(out, *p == ':' || *p == '@' ? "&#%d;" : "\\%c", *p);
        else
            fputc(*p, out);
    }
    free(shown);
}

/* A JSON string is a YAML string. */
void card_quoted(FILE *out, const char *text)
{
    char *shown = printable(text);
    json_t *value = cli_json_text(shown);
    char *quoted = cli_json_text_of(value, JSON_ENCODE_ANY);
    fputs(quoted ? quoted : "\"\"", out);
    free(quoted);
    json_decref(value);
    free(shown);
}
