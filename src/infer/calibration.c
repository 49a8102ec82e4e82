/*
 * Are the probabilities right? Expected calibration error over equal bins of the highest probability
 * (Naeini and others, 2015), and the temperature T that makes softmax(x / T) right on average (Guo
 * and others, On calibration of modern neural networks, 2017, section 4.2).
 */
#include "infer/evaluation.h"

#include <math.h>

static const double COLDEST = 0.01, HOTTEST = 100; /* temperatures */
enum { MOST_STEPS = 100 };

static void fill_bins(const struct gn_evaluation *e, struct gn_evaluation_figures *figures)
{
    for (uint64_t i = 0; i < e->n; i++) {
        const struct gn_evaluated *row = &e->rows[i];
        if (!(row->probability >= 0))
            continue; /* the loss says that it is not a number */
        /* Bin k holds probabilities above k/15 up to (k+1)/15. */
        int k = (int)ceil(row->probability * GN_CALIBRATION_BINS) - 1;
        k = k < 0 ? 0 : k >= GN_CALIBRATION_BINS ? GN_CALIBRATION_BINS - 1 : k;
        struct gn_calibration_bin *bin = &figures->bins[k];
        bin->samples++;
        bin->probability += row->probability;
        bin->accuracy += row->predicted == row->label;
    }
    for (int k = 0; k < GN_CALIBRATION_BINS; k++) {
        struct gn_calibration_bin *bin = &figures->bins[k];
        if (bin->samples == 0)
            continue;
        figures->ece += fabs(bin->accuracy - bin->probability) / (double)e->n;
        bin->probability /= (double)bin->samples;
        bin->accuracy /= (double)bin->samples;
    }
}

/* Slope and curvature of the loss over beta = 1/T: expected logit minus the label's, and the logits'
 * variance. The slope never falls. */
static double slope(const struct gn_evaluation *e, double beta, double *curvature)
{
    double total = 0;
    *curvature = 0;
    for (uint64_t i = 0; i < e->n_logits; i++) {
        const float *x = e->logits + i * (uint64_t)e->classes;
        const double label = (double)x[e->rows[i].label], top = (double)x[e->rows[i].predicted];
        double sum = 0, mean = 0, square = 0;
        for (int k = 0; k < e->classes; k++) {
            const double y = (double)x[k] - top, share = exp(beta * y);
            sum += share;
            mean += share * y;
            square += share * y * y;
        }
        mean /= sum;
        total += mean - (label - top);
        *curvature += square / sum - mean * mean;
    }
    return total;
}

/* The root of the slope: Newton's steps, and the middle of what is left where a step leaves it. NaN
 * where logits are not finite. */
static double temperature(const struct gn_evaluation *e)
{
    double low = 1 / HOTTEST, high = 1 / COLDEST, beta = 1;
    if (e->n_logits == 0)
        return (double)NAN;
    for (int i = 0; i < MOST_STEPS; i++) {
        double curvature;
        const double s = slope(e, beta, &curvature);
        if (!isfinite(s))
            return (double)NAN;
        if (s < 0)
            low = beta;
        else
            high = beta;
        double next = beta - s / curvature;
        if (!(next > low && next < high))
            next = sqrt(low * high);
        const double step = fabs(next - beta);
        beta = next;
        if (step <= 1e-15 * beta)
            break;
    }
    return 1 / beta;
}

void gn_calibration(const struct gn_evaluation *e, struct gn_evaluation_figures *figures)
{
    fill_bins(e, figures);
    figures->temperature = temperature(e);
    figures->temperature_samples = e->n_logits;
}
