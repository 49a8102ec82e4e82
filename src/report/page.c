/*
 * The report of an evaluation: one HTML page that opens from a file, in light and dark, on a
 * telephone too. No script and no address of another file, so that nothing on it can be made to
 * act by a name, and the same results give the same bytes.
 */
#include "report/parts.h"

#include "base/path.h"

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1d2430;--soft:#5b6675;--page:#f5f6f8;--card:#fff;"
    "--line:#dfe3e8;--blue:#2563b0;--good:#1f7a45;--bad:#b3362b}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#9aa5b4;--page:#14171c;"
    "--card:#1d2128;--line:#323843;--blue:#6aa5ea;--good:#5cc48a;--bad:#f08379}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);"
    "font:16px/1.5 system-ui,sans-serif}main{max-width:1080px;margin:0 auto;padding:24px 16px 64px}"
    "h1{font-size:1.6rem;margin:0 0 4px;overflow-wrap:anywhere}h2{font-size:1.15rem;margin:0 0 "
    "12px}"
    "p{margin:0 0 12px;color:var(--soft)}section{background:var(--card);border:1px solid "
    "var(--line);"
    "border-radius:10px;padding:16px;margin:16px 0;overflow-x:auto}"
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px}"
    ".figures div{border-left:3px solid var(--blue);padding-left:10px}"
    ".figures b{display:block;font-size:1.45rem;font-weight:600}.figures span{color:var(--soft);"
    "font-size:.85rem}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.92rem}"
    "th,td{padding:4px 10px;text-align:right;border-bottom:1px solid "
    "var(--line);white-space:nowrap}"
    "th{font-weight:600;color:var(--soft)}th:first-child,td.name{text-align:left}"
    "td.name{max-width:16em;overflow:hidden;text-overflow:ellipsis}"
    ".matrix td{text-align:center;min-width:3em;border:1px solid var(--line)}"
    ".matrix th.column{writing-mode:vertical-rl;transform:rotate(180deg);padding:8px 2px;"
    "max-height:11em;overflow:hidden;text-overflow:ellipsis;text-align:left}"
    "svg{max-width:100%;height:auto}"
    ".gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(128px,1fr));gap:12px}"
    "figure{margin:0;font-size:.82rem;line-height:1.35;overflow-wrap:anywhere}"
    "figure img{width:112px;height:112px;object-fit:contain;image-rendering:pixelated;"
    "background:var(--page);border-radius:6px;display:block;margin-bottom:4px}"
    "@media(max-width:520px){th,td{padding:3px 5px;font-size:.8rem}.matrix td{min-width:2em}}"
    ".matrix "
    "td.name{text-align:left}.right{color:var(--good)}.wrong{color:var(--bad)}small{color:var(--"
    "soft)}";

void gn_page_head(struct gn_page *page)
{
    const struct gn_report_options *o = page->options;
    struct gn_out *out = &page->out;
    gn_out(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>");
    gn_out_html(out, o->model == NULL ? "Evaluation" : o->model);
    gn_out(out, "</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n<h1>", style);
    gn_out_html(out, o->model == NULL ? "Evaluation" : o->model);
    gn_out(out, "</h1>\n<p>%llu images of ", (unsigned long long)page->figures.samples);
    gn_out_html(out, page->data.name);
    if (o->split != NULL) {
        gn_out(out, " (");
        gn_out_html(out, o->split);
        gn_out(out, ")");
    }
    gn_out(out, ", %d classes", page->figures.classes);
    if (o->tta != GN_TTA_NONE)
        gn_out(out, ", answers with test-time augmentation (%s)", gn_tta_name((int)o->tta));
    gn_out(out, ". Written by googlenet %s.</p>\n", gn_version());
}

const char *gn_page_class(const struct gn_page *page, int class, char *number)
{
    (void)snprintf(number, 16, "%d", class);
    return page->data.labels != NULL && class < page->data.classes ? page->data.labels[class]
                                                                   : number;
}

static gn_status write_page(struct gn_page *page)
{
    gn_page_head(page);
    gn_page_summary(page);
    gn_page_confusion(page);
    gn_page_classes(page);
    gn_page_reliability(page);
    GN_TRY(gn_page_gallery(page));
    gn_out(&page->out, "</main>\n</body>\n</html>\n");
    return GN_OK;
}

gn_status gn_write_report_with(const struct gn_report_options *options)
{
    GN_NEED(options, "the options");
    GN_NEED(options->evaluation, "the evaluation");
    GN_NEED(options->data, "the data set");
    GN_NEED(options->folder, "the folder");
    char path[GN_PATH_BYTES], text[GN_ERRNO_TEXT];
    struct gn_page page = { .options = options, .evaluation = options->evaluation };
    GN_TRY(gn_dataset_describe(options->data, &page.data));
    GN_TRY(gn_evaluation_figures(options->evaluation, &page.figures));
    const int error = gn_make_folders(options->folder, NULL);
    if (error != 0)
        GN_FAIL(GN_STATUS_IO, "%s: report: cannot make the folder: %s", options->folder,
                gn_errno_text(error, text));
    if (!gn_path_join(path, options->folder, "index.html"))
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%s: report: the path is too long", options->folder);
    page.out.file = gn_file_begin(path, "report", 0);
    if (page.out.file == NULL)
        return gn_last_status();
    const gn_status status = write_page(&page);
    if (status == GN_OK)
        return gn_out_commit(&page.out);
    gn_file_abort(page.out.file);
    return status;
}
