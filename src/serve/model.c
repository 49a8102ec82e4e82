/* Versions of models: loading, warming up, freeing; and their list: names, reloading. */
#include "serve/model.h"

#include "base/number.h"
#include "cli/report.h"
#include "file/md5.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The first digits of the file's MD5; false: it cannot be read. */
static bool digest(const char *path, char version[SERVE_VERSION])
{
    enum { DIGITS = 12 };
    unsigned char buffer[1 << 13];
    char hex[GN_MD5_HEX];
    struct gn_md5 md5;
    FILE *in = fopen(path, "rb");
    if (!in)
        return false;
    gn_md5_init(&md5);
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, in)) > 0;)
        gn_md5_update(&md5, buffer, n);
    const bool read = !ferror(in);
    fclose(in);
    gn_md5_final(&md5, hex);
    snprintf(version, SERVE_VERSION, "%.*s", DIGITS, hex);
    return read;
}

/* Whether both are the same file, and nobody has written to it between them. */
static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Loads the file, of which the version is the digest although somebody may replace it meanwhile, and put
 * the old bytes back. */
static gn_net *load(struct serve_model *model, const char *path, const struct cli_net *flags,
                    int *code)
{
    enum { TRIES = 3 };
    if (cli_is_preset(path)) {
        gn_net *net = cli_open_model(path, flags, 0, code);
        snprintf(model->version, sizeof model->version, "%08x", (unsigned)gn_net_hash(net));
        return net;
    }
    for (int i = 0; i < TRIES; i++) {
        char after[SERVE_VERSION] = "";
        struct stat first, last;
        const bool read = stat(path, &first) == 0 && digest(path, model->version);
        gn_net *net = cli_open_model(path, flags, 0, code);
        if (!net || (read && digest(path, after) && strcmp(after, model->version) == 0 &&
                     stat(path, &last) == 0 && is_same(&first, &last)))
            return net;
        gn_free_net(net);
    }
    *code = cli_fail(CLI_MODEL, "%s: the file changes while it is read", path);
    return NULL;
}

/* Answers for one image, so that weights are packed and memory is touched. */
static gn_status warm_up(struct serve_model *model)
{
    float *input = calloc(model->input_floats, sizeof *input);
    float *logits = calloc((size_t)model->info.classes, sizeof *logits);
    gn_status status = GN_STATUS_NO_MEMORY;
    if (input && logits)
        status = gn_predictor_run(model->predictor, logits,
                                  &(struct gn_predict_options){ .inputs = input, .n = 1 });
    free(input);
    free(logits);
    return status;
}

int serve_runners_number(int threads)
{
    return threads < SERVE_MAX_RUNNERS ? threads : SERVE_MAX_RUNNERS;
}

/* The predictors, which share the packed weights. */
static bool make_predictors(struct serve_model *model, const struct serve_model_options *o)
{
    const int n = serve_runners_number(o->threads);
    const gn_resize resize = (gn_resize)o->net->resize;
    const gn_weights weights = (gn_weights)o->weights;
    gn_pack *pack = gn_pack_create(model->net);
    model->predictor = gn_predictor_create(model->net, o->max_batch, .threads = o->threads,
                                           .resize = resize, .pack = pack, .weights = weights);
    bool made = pack && model->predictor;
    for (int i = 0; i < n && n > 1 && made; i++) {
        model->shares[i] = gn_predictor_create(model->net, o->max_batch,
                                               .threads = o->threads / n + (i < o->threads % n),
                                               .resize = resize, .pack = pack, .weights = weights);
        made = model->shares[i] != NULL;
    }
    gn_pack_free(pack);
    return made;
}

static int prepare(struct serve_model *model, const char *path, const struct serve_model_options *o)
{
    int code = 0;
    model->net = load(model, path, o->net, &code);
    if (!model->net)
        return code;
    const char *tensor = gn_net_not_finite(model->net);
    if (tensor)
        return cli_fail(CLI_MODEL,
                        "%s: tensor %s has a value that is not finite: it has no answers", path,
                        tensor);
    if (!make_predictors(model, o) || !cli_answer_begin(&model->answer, model->net, o->top, false))
        return cli_fail_library();
    model->info = model->answer.info;
    model->input_floats =
        (size_t)model->info.size_h * (size_t)model->info.size_w * (size_t)model->info.channels;
    return warm_up(model) == GN_OK ? 0 : cli_fail_library();
}

struct serve_model *serve_model_load(const char *name, const char *path,
                                     const struct serve_model_options *options, int *code)
{
    struct serve_model *model = cli_calloc(1, sizeof *model);
    atomic_init(&model->owners, 1);
    pthread_mutex_init(&model->lock, NULL);
    snprintf(model->name, sizeof model->name, "%s", name);
    *code = prepare(model, path, options);
    if (*code == 0)
        return model;
    serve_model_release(model);
    return NULL;
}

void serve_model_release(struct serve_model *model)
{
    if (!model || atomic_fetch_sub(&model->owners, 1) > 1)
        return;
    for (int i = 0; i < model->n_spare; i++)
        gn_preprocessor_free(model->spare[i]);
    cli_answer_end(&model->answer);
    gn_explainer_free(model->explainer);
    gn_predictor_free(model->predictor);
    for (int i = 0; i < SERVE_MAX_RUNNERS; i++)
        gn_predictor_free(model->shares[i]);
    gn_free_net(model->net);
    pthread_mutex_destroy(&model->lock);
    free(model);
}

gn_preprocessor *serve_preprocessor_take(struct serve_model *model)
{
    gn_preprocessor *own = NULL;
    pthread_mutex_lock(&model->lock);
    if (model->n_spare > 0)
        own = model->spare[--model->n_spare];
    pthread_mutex_unlock(&model->lock);
    return own ? own : gn_preprocessor_create_with(model->net, NULL);
}

void serve_preprocessor_give(struct serve_model *model, gn_preprocessor *preprocessor, bool large)
{
    pthread_mutex_lock(&model->lock);
    const bool keep = !large && model->n_spare < SERVE_MAX_MODELS;
    if (keep)
        model->spare[model->n_spare++] = preprocessor;
    pthread_mutex_unlock(&model->lock);
    if (!keep)
        gn_preprocessor_free(preprocessor);
}

/* ---- The list ---- */

/* What a model without a name is called. */
static const char standard_name[] = "googlenet";

static bool is_name(const char *text, size_t n)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return n > 0 && n < SERVE_NAME && strspn(text, letters) >= n && text[0] != '.';
}

/* "NAME=MODEL" where what is before the sign can be a name and not a path. */
static int read_word(struct serve_slot *slot, const char *word)
{
    const char *sign = strchr(word, '=');
    const char *slash = strchr(word, '/');
    slot->path = word;
    memcpy(slot->name, standard_name, sizeof standard_name);
    if (!sign || (slash && slash < sign))
        return 0;
    const size_t n = (size_t)(sign - word);
    if (!is_name(word, n) || sign[1] == '\0')
        return cli_fail(
            CLI_USAGE,
            "%s: NAME=MODEL needs a name of at most %d letters, digits, '.', '_', '-' and "
            "a model",
            word, SERVE_NAME - 1);
    memcpy(slot->name, word, n);
    slot->name[n] = '\0';
    slot->path = sign + 1;
    return 0;
}

int serve_models_load(struct serve_models *models, const char *const *words, int n,
                      const struct serve_model_options *options)
{
    pthread_mutex_init(&models->lock, NULL);
    models->options = *options;
    if (n > SERVE_MAX_MODELS)
        return cli_fail(CLI_USAGE, "%d models, at most %d are served", n, SERVE_MAX_MODELS);
    for (int i = 0; i < n; i++) {
        struct serve_slot *slot = &models->slots[i];
        int code = read_word(slot, words[i]);
        for (int k = 0; k < i && code == 0; k++)
            if (strcmp(models->slots[k].name, slot->name) == 0)
                code = cli_fail(CLI_USAGE, "two models are called %s; name them NAME=MODEL",
                                slot->name);
        if (code)
            return code;
    }
    for (int i = 0; i < n; i++) {
        struct serve_slot *slot = &models->slots[i];
        int code = 0;
        slot->model = serve_model_load(slot->name, slot->path, options, &code);
        if (!slot->model)
            return code;
        models->n = i + 1;
        if (cli_is_preset(slot->path))
            cli_note("network   %s is a preset: its weights are fresh, not trained", slot->path);
        cli_note("model     %s: %s, version %s", slot->name, slot->path, slot->model->version);
    }
    return 0;
}

void serve_models_reload(struct serve_models *models, int *loaded, int *failed)
{
    *loaded = *failed = 0;
    for (int i = 0; i < models->n; i++) {
        struct serve_slot *slot = &models->slots[i];
        int code = 0;
        struct serve_model *new = serve_model_load(slot->name, slot->path, &models->options, &code);
        if (!new) {
            cli_warn("model %s stays at version %s", slot->name, slot->model->version);
            ++*failed;
            continue;
        }
        if (strcmp(new->version, slot->model->version) != 0)
            cli_note("model     %s: version %s after %s", slot->name, new->version,
                     slot->model->version);
        pthread_mutex_lock(&models->lock);
        struct serve_model *old = slot->model;
        slot->model = new;
        pthread_mutex_unlock(&models->lock);
        serve_model_release(old);
        ++*loaded;
    }
}

void serve_models_free(struct serve_models *models)
{
    for (int i = 0; i < models->n; i++)
        serve_model_release(models->slots[i].model);
    models->n = 0;
    pthread_mutex_destroy(&models->lock);
}

struct serve_model *serve_models_take(struct serve_models *models, const char *name)
{
    struct serve_model *model = NULL;
    pthread_mutex_lock(&models->lock);
    for (int i = 0; i < models->n && !model; i++)
        if (!name || strcmp(models->slots[i].name, name) == 0)
            model = models->slots[i].model;
    if (model)
        atomic_fetch_add(&model->owners, 1);
    pthread_mutex_unlock(&models->lock);
    return model;
}
