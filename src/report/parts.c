/* Tables, bars and the diagram of a report's page. */
#include "report/parts.h"

#include <math.h>

enum { MATRIX_CLASSES = 20, MOST_PAIRS = 30 };

/* ---- Figures of the whole ---- */

static void begin_figure(struct gn_page *page)
{
    gn_out(&page->out, "<div><b>");
}

static void end_figure(struct gn_page *page, const char *what)
{
    gn_out(&page->out, "</b><span>%s</span></div>\n", what);
}

static void figure(struct gn_page *page, double value, int decimals, const char *what)
{
    begin_figure(page);
    if (isfinite(value))
        gn_out_fixed(&page->out, value, decimals);
    else
        gn_out(&page->out, "not finite");
    end_figure(page, what);
}

void gn_page_summary(struct gn_page *page)
{
    const struct gn_evaluation_figures *f = &page->figures;
    gn_out(&page->out, "<section>\n<h2>Summary</h2>\n<div class=\"figures\">\n");
    figure(page, f->accuracy, 4, "accuracy");
    begin_figure(page);
    gn_out_fixed(&page->out, f->low, 4);
    gn_out(&page->out, "–");
    gn_out_fixed(&page->out, f->high, 4);
    end_figure(page, "95% interval of the accuracy");
    if (f->classes > 5)
        figure(page, gn_evaluation_top(page->evaluation, 5), 4, "true class among the first five");
    figure(page, f->loss, 4, "loss (mean cross-entropy)");
    figure(page, f->macro.f1, 4, "F1, mean over classes");
    figure(page, f->ece, 4, "calibration error (ECE)");
    figure(page, f->temperature, 3, "best temperature (above 1: too sure)");
    gn_out(&page->out, "</div>\n</section>\n");
}

/* ---- Classes ---- */

static void cell_of_name(struct gn_page *page, int class)
{
    char number[16];
    gn_out(&page->out, "<td class=\"name\">");
    gn_out_html(&page->out, gn_page_class(page, class, number));
    gn_out(&page->out, "</td>");
}

static void cell(struct gn_page *page, double value)
{
    gn_out(&page->out, "<td>");
    gn_out_fixed(&page->out, value, 4);
    gn_out(&page->out, "</td>");
}

static void row_of_mean(struct gn_page *page, const char *name, const struct gn_class_mean *mean)
{
    gn_out(&page->out, "<tr><td class=\"name\"><small>%s</small></td><td></td>", name);
    cell(page, mean->precision);
    cell(page, mean->recall);
    cell(page, mean->f1);
    gn_out(&page->out, "</tr>\n");
}

void gn_page_classes(struct gn_page *page)
{
    gn_out(&page->out, "<section>\n<h2>Classes</h2>\n<table>\n<tr><th>class</th><th>images</th>"
                       "<th>precision</th><th>recall</th><th>F1</th></tr>\n");
    for (int i = 0; i < page->figures.classes; i++) {
        struct gn_class_score score;
        if (gn_evaluation_class(page->evaluation, i, &score) != GN_OK)
            continue;
        gn_out(&page->out, "<tr>");
        cell_of_name(page, i);
        gn_out(&page->out, "<td>%llu</td>", (unsigned long long)score.support);
        cell(page, score.precision);
        cell(page, score.recall);
        cell(page, score.f1);
        gn_out(&page->out, "</tr>\n");
    }
    row_of_mean(page, "mean over classes", &page->figures.macro);
    row_of_mean(page, "mean over images", &page->figures.weighted);
    gn_out(&page->out, "</table>\n</section>\n");
}

/* ---- Confusions ---- */

/* The darker, the larger the share of its row; right answers in another colour. */
static void matrix_cell(struct gn_page *page, int label, int predicted, uint64_t support)
{
    const uint64_t count = gn_evaluation_count(page->evaluation, label, predicted);
    const double share = support == 0 ? 0 : (double)count / (double)support;
    gn_out(&page->out, "<td style=\"background:color-mix(in srgb,var(--%s) %d%%,transparent)\">",
           label == predicted ? "blue" : "bad", (int)(share * 70 + 0.5));
    if (count > 0)
        gn_out(&page->out, "%llu", (unsigned long long)count);
    gn_out(&page->out, "</td>");
}

static void matrix(struct gn_page *page)
{
    const int n = page->figures.classes;
    char number[16];
    gn_out(&page->out, "<p>Rows are true classes, columns are answers.</p>\n"
                       "<table class=\"matrix\">\n<tr><th></th>");
    for (int i = 0; i < n; i++) {
        gn_out(&page->out, "<th class=\"column\">");
        gn_out_html(&page->out, gn_page_class(page, i, number));
        gn_out(&page->out, "</th>");
    }
    gn_out(&page->out, "</tr>\n");
    for (int label = 0; label < n; label++) {
        struct gn_class_score score;
        if (gn_evaluation_class(page->evaluation, label, &score) != GN_OK)
            continue;
        gn_out(&page->out, "<tr>");
        cell_of_name(page, label);
        for (int predicted = 0; predicted < n; predicted++)
            matrix_cell(page, label, predicted, score.support);
        gn_out(&page->out, "</tr>\n");
    }
    gn_out(&page->out, "</table>\n");
}

static void pairs(struct gn_page *page)
{
    struct gn_confused confused[MOST_PAIRS];
    const int n = gn_evaluation_confused(page->evaluation, confused, MOST_PAIRS);
    gn_out(&page->out,
           "<p>The %d pairs that are confused most often.</p>\n<table>\n<tr><th>true "
           "class</th><th>answer</th><th>images</th></tr>\n",
           n);
    for (int i = 0; i < n; i++) {
        gn_out(&page->out, "<tr>");
        cell_of_name(page, confused[i].label);
        cell_of_name(page, confused[i].predicted);
        gn_out(&page->out, "<td>%llu</td></tr>\n", (unsigned long long)confused[i].count);
    }
    gn_out(&page->out, "</table>\n");
}

void gn_page_confusion(struct gn_page *page)
{
    gn_out(&page->out, "<section>\n<h2>Confusions</h2>\n");
    if (page->figures.classes <= MATRIX_CLASSES)
        matrix(page);
    else
        pairs(page);
    gn_out(&page->out, "</section>\n");
}

/* ---- Reliability ---- */

enum { PLOT = 300, MARGIN = 36 };

static void number(struct gn_page *page, const char *before, double value)
{
    gn_out(&page->out, "%s\"", before);
    gn_out_fixed(&page->out, value, 1);
    gn_out(&page->out, "\"");
}

static void bar(struct gn_page *page, int k)
{
    const struct gn_calibration_bin *bin = &page->figures.bins[k];
    const double width = (double)PLOT / GN_CALIBRATION_BINS;
    if (bin->samples == 0)
        return;
    number(page, "<rect x=", MARGIN + k * width + 1);
    number(page, " y=", 10 + PLOT * (1 - bin->accuracy));
    number(page, " width=", width - 2);
    number(page, " height=", PLOT * bin->accuracy);
    gn_out(&page->out, " fill=\"var(--blue)\"><title>%llu images, probability ",
           (unsigned long long)bin->samples);
    gn_out_fixed(&page->out, bin->probability, 3);
    gn_out(&page->out, ", accuracy ");
    gn_out_fixed(&page->out, bin->accuracy, 3);
    gn_out(&page->out, "</title></rect>\n");
}

static void axis(struct gn_page *page)
{
    for (int i = 0; i <= 4; i++) {
        static const char *const names[] = { "0", "0.25", "0.5", "0.75", "1" };
        const int y = 10 + PLOT - PLOT * i / 4, x = MARGIN + PLOT * i / 4;
        gn_out(&page->out,
               "<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\" stroke=\"var(--line)\"/>"
               "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>"
               "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
               MARGIN, MARGIN + PLOT, y, y, MARGIN - 6, y + 4, names[i], x, PLOT + 28, names[i]);
    }
}

void gn_page_reliability(struct gn_page *page)
{
    gn_out(&page->out,
           "<section>\n<h2>Calibration</h2>\n<p>How often answers of a probability are right. Bars "
           "below the line: the network is too sure.</p>\n<svg viewBox=\"0 0 %d %d\" width=\"%d\" "
           "font-size=\"11\" fill=\"var(--soft)\" role=\"img\" aria-label=\"accuracy over "
           "probability\">\n",
           MARGIN + PLOT + 16, PLOT + 52, MARGIN + PLOT + 16);
    axis(page);
    for (int k = 0; k < GN_CALIBRATION_BINS; k++)
        bar(page, k);
    gn_out(&page->out,
           "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"10\" stroke=\"var(--ink)\" "
           "stroke-dasharray=\"4 4\"/>\n<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">probability "
           "of the answer</text>\n</svg>\n</section>\n",
           MARGIN, PLOT + 10, MARGIN + PLOT, MARGIN + PLOT / 2, PLOT + 46);
}
