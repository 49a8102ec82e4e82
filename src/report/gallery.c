/* Pictures of a report's page: what the network was surest of and wrong, and least sure of. */
#include "report/parts.h"

#include "base/memory.h"
#include "report/thumbnail.h"

enum { SHOWN = 24 };

static bool is_wrong(const struct gn_evaluated *row)
{
    return row->predicted != row->label;
}

/* The `most` rows that come first by probability, falling (sure) or rising; equal ones in their
 * order. Returns their number. */
static int choose(const gn_evaluation *e, bool sure, const struct gn_evaluated *chosen[SHOWN])
{
    int n = 0;
    for (uint64_t i = 0; i < e->n; i++) {
        const struct gn_evaluated *row = &e->rows[i];
        int at = n;
        if (sure && !is_wrong(row))
            continue;
        while (at > 0 && (sure ? chosen[at - 1]->probability < row->probability
                               : chosen[at - 1]->probability > row->probability))
            at--;
        if (at >= SHOWN)
            continue;
        n += n < SHOWN;
        for (int k = n - 1; k > at; k--)
            chosen[k] = chosen[k - 1];
        chosen[at] = row;
    }
    return n;
}

/* The picture, or why there is none. */
static gn_status image(struct gn_page *page, const struct gn_evaluated *row)
{
    struct gn_bytes png;
    const gn_status status = gn_thumbnail(page->options->data, row->index, &png);
    if (status == GN_STATUS_NO_MEMORY)
        return status;
    if (status != GN_OK) {
        gn_out(&page->out, "<small>no picture: ");
        gn_out_html(&page->out, gn_error_message());
        gn_out(&page->out, "</small><br>");
        return GN_OK;
    }
    gn_out(&page->out, "<img alt=\"\" src=\"data:image/png;base64,");
    gn_out_base64(&page->out, png.data, png.size);
    gn_out(&page->out, "\">");
    gn_free(png.data);
    return GN_OK;
}

static gn_status item(struct gn_page *page, const struct gn_evaluated *row)
{
    char number[16];
    struct gn_out *out = &page->out;
    const char *file = gn_dataset_file(page->options->data, row->index);
    gn_out(out, "<figure>");
    GN_TRY(image(page, row));
    gn_out(out, "<b class=\"%s\">", is_wrong(row) ? "wrong" : "right");
    gn_out_html(out, gn_page_class(page, row->predicted, number));
    gn_out(out, "</b> ");
    gn_out_fixed(out, row->probability, 3);
    if (is_wrong(row)) {
        gn_out(out, "<br>is: ");
        gn_out_html(out, gn_page_class(page, row->label, number));
    }
    gn_out(out, "<br><small>");
    if (file != NULL)
        gn_out_html(out, file);
    else
        gn_out(out, "image %llu", (unsigned long long)row->index);
    gn_out(out, "</small></figure>\n");
    return GN_OK;
}

static gn_status sheet(struct gn_page *page, bool sure, const char *title, const char *none)
{
    const struct gn_evaluated *chosen[SHOWN];
    const int n = choose(page->evaluation, sure, chosen);
    gn_out(&page->out, "<section>\n<h2>%s</h2>\n", title);
    if (n == 0)
        gn_out(&page->out, "<p>%s</p>\n", none);
    gn_out(&page->out, "<div class=\"gallery\">\n");
    for (int i = 0; i < n; i++)
        GN_TRY(item(page, chosen[i]));
    gn_out(&page->out, "</div>\n</section>\n");
    return GN_OK;
}

gn_status gn_page_gallery(struct gn_page *page)
{
    GN_TRY(sheet(page, true, "Surest mistakes", "No answer is wrong."));
    return sheet(page, false, "Least sure answers", "There are no answers.");
}
