/* The parts of a report's page. */
#ifndef GN_REPORT_PARTS_H
#define GN_REPORT_PARTS_H

#include "data/dataset.h"
#include "infer/evaluation.h"
#include "report/out.h"

struct gn_page {
    struct gn_out out;
    const struct gn_report_options *options;
    const gn_evaluation *evaluation;
    struct gn_dataset_info data;
    struct gn_evaluation_figures figures;
};

/* A class's name, or its number in `number`, which has 16 bytes. */
const char *gn_page_class(const struct gn_page *page, int class, char *number);

void gn_page_head(struct gn_page *page);    /* title, style */
void gn_page_summary(struct gn_page *page); /* the figures of the whole */
void gn_page_classes(struct gn_page *page); /* a line for each class */

/* The matrix of up to 20 classes; of more, the pairs that are confused most often. */
void gn_page_confusion(struct gn_page *page);

void gn_page_reliability(struct gn_page *page); /* accuracy over probability */

/* Pictures with their labels: the surest mistakes, then the least sure answers. */
gn_status gn_page_gallery(struct gn_page *page);

#endif
