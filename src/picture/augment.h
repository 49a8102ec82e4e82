/*
 * Augmentation: small random changes of the training images. Every draw is a function of (seed,
 * epoch, sample), so neither threads nor an interruption change a bit of what training sees.
 */
#ifndef GN_PICTURE_AUGMENT_H
#define GN_PICTURE_AUGMENT_H

#include "base/status.h"

/* What may be done to an image; zero: not done. */
struct gn_augment {
    bool mirror;       /* left and right, every other time */
    bool alternate;    /* that is in every other epoch, of each image */
    bool trivial;      /* TrivialAugment: one operation of any strength */
    int shift;         /* up to this many pixels of the stored image each way, zeros move in */
    double crop;       /* smallest share of the area of a random part that is resized */
    double rotate;     /* up to this many degrees each way */
    double brightness; /* factors 1-x to 1+x */
    double contrast;
    double saturation;
    double erase;  /* how often a random rectangle becomes noise */
    double mixup;  /* parameter of the Beta distribution of shares */
    double cutmix; /* the same for the area of a rectangle of another sample */
};

/* Reads "mirror,shift:2,erase:0.25". BAD_ARGUMENT names the word; NULL and "" are nothing. */
gn_status gn_augment_parse(struct gn_augment *augment, const char *text);

/* Whether single images are changed other than by cropping; whether images are mixed. */
bool gn_augment_touches(const struct gn_augment *augment);
bool gn_augment_mixes(const struct gn_augment *augment);

/* The draws of one sample in one epoch. */
struct gn_draws {
    uint64_t seed, sample; /* `sample` means epoch and index */
    uint32_t index;
    bool is_odd; /* the epoch */
};
struct gn_draws gn_draws_of(uint64_t seed, uint64_t epoch, uint32_t sample);

/* Changes h*w pixels of c (1 or 3) bytes in place; `spare` has room for as many. */
void gn_augment_bytes(const struct gn_augment *augment, const struct gn_draws *draws,
                      uint8_t *pixels, uint8_t *spare, int h, int w, int c);

/* The part of a h*w picture that is resized to the network's size (Szegedy et al. 2014; the draws
 * are those of torchvision's RandomResizedCrop). */
struct gn_box {
    int y, x, h, w;
};
struct gn_box gn_augment_crop(const struct gn_augment *augment, const struct gn_draws *draws, int h,
                              int w);

/* Mixes each of n images (h*w*c floats) with the next one, the last with `after`, whose label is
 * after_label (of a whole batch a copy of the first one): mixup (Zhang et al. 2017) or cutmix (Yun et al. 2019).
 * draws[i] belongs to image i. Fills others and shares. */
void gn_augment_mix(const struct gn_augment *augment, const struct gn_draws *draws, float *images,
                    int n, int h, int w, int c, const float *after, int32_t after_label,
                    const int32_t *labels, int32_t *others, float *shares);

#endif
