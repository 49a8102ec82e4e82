/*
 * An inference request of the Open Inference Protocol v2 and its answer, as text and bytes; nothing of
 * HTTP.
 */
#ifndef GN_SERVE_INFER_H
#define GN_SERVE_INFER_H

#include "serve/batch/batcher.h"
#include "serve/scan.h"

enum { SERVE_OUTPUTS = 8 };

/* What may be asked for. */
enum serve_output_kind { SERVE_LOGITS, SERVE_PROBABILITIES, SERVE_OUTPUT_KINDS };
extern const char *const serve_output_names[SERVE_OUTPUT_KINDS];

struct serve_output {
    enum serve_output_kind kind;
    bool binary;
    int classification; /* so many "value:index:label"; 0: the tensor */
};

struct serve_infer {
    struct serve_text id; /* as a JSON string; empty: none was given */
    int n_outputs;
    struct serve_output outputs[SERVE_OUTPUTS];
    int rows;
    /* Owned: */
    float *inputs; /* NULL: of pictures and pixels they are made later */
    struct gn_file_bytes *pictures;
    void *bytes; /* that the pictures or pixels point into, unless these are the body's */
    struct gn_image pixels; /* of UINT8 inputs, without ownership */
    int code;               /* 200, or a status with a sentence */
    char error[320];
};

/* Reads a request: `json` bytes of JSON, then tensors up to `size`; a NUL follows. The body must live
 * until the job is done. False: see code and error. */
bool serve_infer_parse(struct serve_infer *infer, const struct serve_model *model, const char *body,
                       size_t json, size_t size, int max_batch);
void serve_infer_free(struct serve_infer *infer);

/* The answer: JSON, of whose size *json_size is told, then binary tensors. */
void serve_infer_answer(const struct serve_infer *infer, const struct serve_job *job,
                        struct serve_text *text, size_t *json_size);

/* {"error": SENTENCE} */
void serve_put_error(struct serve_text *text, const char *sentence);

#endif
