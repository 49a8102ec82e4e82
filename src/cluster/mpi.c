/*
 * Ranks as processes that a launcher has started, on one machine or on many, joined by MPI: a plugin
 * (src/mpi) that is opened here, so that a process without a launcher never loads an MPI.
 *
 * MPI itself waits for ever for a rank that is stopped or cut off. Every wait is ours, with a deadline; when it is
 * over, MPI is asked to end all processes.
 */
#include "cluster/internal.h"
#include "cluster/launcher.h"

#include "gn_config.h"

#include "base/memory.h"
#include "base/number.h"
#include "file/part.h"
#include "base/threads.h"
#include "mpi/plugin.h"
#include "os/files.h"

#if GN_HAS_PLUGINS
#include <dlfcn.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_BYTES = 1 << 30 };
static const double PATIENCE = 5; /* seconds, for all to have heard how it ended */

/* What one tells the others. */
struct words {
    int32_t status;
    char sentence[GN_RANK_SENTENCE];
};

/* Where a rank runs. */
struct place {
    char host[GN_RANK_HOST];
    struct gn_processors processors;
};

struct joined {
    const struct gn_mpi *mpi;
    struct place *places;
    int under_way; /* operations on bytes that are not ours to free before they end */
    bool is_told;
    struct words told, sent; /* sent: stays until MPI has read it */
    gn_mpi_request requests[GN_MOST_RANKS];
};

static bool is_done(struct joined *j, int error)
{
    char text[GN_MPI_TEXT];
    if (error == 0)
        return true;
    if (j->is_told)
        return false;
    j->mpi->error(error, text);
    j->told.status = GN_STATUS_NO_DEVICE;
    (void)snprintf(j->told.sentence, sizeof j->told.sentence, "MPI: %s", text);
    j->is_told = true;
    return false;
}

static void advance(struct gn_ranks *ranks, struct gn_transfer *t)
{
    struct joined *j = ranks->own;
    bool done = false;
    if (j->is_told)
        return;
    if (t->begun == t->done) {
        const size_t left = t->bytes - t->done, n = left < MOST_BYTES ? left : MOST_BYTES;
        char *at = t->data + t->done;
        if (!is_done(j, t->receives
                            ? j->mpi->receive(t->peer, (int)t->lane.name, at, n, &t->request)
                            : j->mpi->send(t->peer, (int)t->lane.name, at, n, &t->request)))
            return;
        t->begun += n;
        j->under_way++;
    }
    if (!is_done(j, j->mpi->test(&t->request, &done)) || !done)
        return;
    t->done = t->begun;
    j->under_way--;
}

/* What is sent cannot be taken back: MPI may still read it. */
static void drop(struct gn_ranks *ranks, struct gn_transfer *t)
{
    struct joined *j = ranks->own;
    if (t->receives && j->mpi->cancel(&t->request) == 0)
        j->under_way--;
}

/* A launcher ends all when a rank ends before its time. */
static int lost(struct gn_ranks *ranks)
{
    (void)ranks;
    return -1;
}

static void tell(struct gn_ranks *ranks, gn_status status, const char *sentence)
{
    struct joined *j = ranks->own;
    if (j->is_told)
        return;
    j->is_told = true;
    j->sent.status = (int32_t)status;
    (void)snprintf(j->sent.sentence, sizeof j->sent.sentence, "%s", sentence);
    j->told = j->sent;
    for (int r = 0; r < ranks->size; r++)
        if (r != ranks->rank)
            (void)j->mpi->tell(r, &j->sent, sizeof j->sent, &j->requests[r]);
}

static bool told(struct gn_ranks *ranks, gn_status *status, char sentence[GN_RANK_SENTENCE])
{
    struct joined *j = ranks->own;
    if (!j->is_told) {
        bool any = false;
        if (is_done(j, j->mpi->told(&j->told, sizeof j->told, &any)))
            j->is_told = any;
    }
    if (!j->is_told)
        return false;
    j->told.sentence[sizeof j->told.sentence - 1] = '\0';
    *status = (gn_status)j->told.status;
    memcpy(sentence, j->told.sentence, sizeof j->told.sentence);
    return true;
}

static const char *host(const struct gn_ranks *ranks, int rank)
{
    return ((const struct joined *)ranks->own)->places[rank].host;
}

/* All have come to their end. False: one has not. */
static bool meet(struct gn_ranks *ranks)
{
    static const struct timespec nap = { .tv_nsec = 1000000 };
    struct joined *j = ranks->own;
    gn_mpi_request request;
    bool done = false;
    const double began = gn_seconds();
    if (j->mpi->meet(&request) != 0)
        return false;
    for (;;) {
        if (j->mpi->test(&request, &done) != 0)
            return false;
        if (done)
            return true;
        if (ranks->failed && gn_seconds() - began > PATIENCE)
            return false;
        (void)nanosleep(&nap, NULL);
    }
}

/* MPI has to end the processes when one of them does not answer, or when bytes are under way that nobody will take.
 * The first of them asks for it: Open MPI's mpirun may break when two do. */
static void end(struct gn_ranks *ranks)
{
    const struct timespec longer = { .tv_sec = 1 + ranks->rank };
    struct joined *j = ranks->own;
    if (meet(ranks) && j->under_way == 0) {
        j->mpi->end();
    } else {
        if (ranks->rank > 0)
            (void)nanosleep(&longer, NULL);
        j->mpi->stop(ranks->code != 0 ? ranks->code : 1);
    }
    gn_free(j->places);
    gn_free(j);
}

static const struct gn_transport joined = { .advance = advance,
                                            .keeps_order = true,
                                            .has_launcher = true,
                                            .drop = drop,
                                            .lost = lost,
                                            .tell = tell,
                                            .told = told,
                                            .host = host,
                                            .close = end };

/* ---- Joining ---- */

#if GN_HAS_PLUGINS
static const struct gn_mpi *open_plugin(const char *name)
{
    char path[GN_PATH_BYTES];
    if (!gn_find_part(path, name, "GOOGLENET_MPI")) {
        (void)gn_fail(GN_STATUS_NO_DEVICE, "the plugin %s is not there", name);
        gn_hint(
            "build with the MPI of the launcher installed (Debian: %s), or set GOOGLENET_MPI to "
            "the plugin's path",
            strstr(name, "openmpi") != NULL ? "libopenmpi-dev" : "libmpich-dev");
        return NULL;
    }
    /* What an MPI itself loads looks for its names among those of all. */
    void *handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (handle == NULL) {
        (void)gn_fail(GN_STATUS_NO_DEVICE, "the plugin %s cannot be opened: %s", path, dlerror());
        return NULL;
    }
    const struct gn_mpi *mpi = dlsym(handle, "googlenet_mpi");
    if (mpi == NULL || mpi->version != GN_MPI_VERSION) {
        (void)gn_fail(GN_STATUS_NO_DEVICE, "the plugin %s is of another version of googlenet",
                      path);
        return NULL;
    }
    return mpi;
}
#else
static const struct gn_mpi *open_plugin(const char *name)
{
    (void)gn_fail(GN_STATUS_NO_DEVICE, "a static program cannot open the plugin %s", name);
    return NULL;
}
#endif

static gn_status begin(struct gn_ranks *ranks, const struct gn_launcher *launcher)
{
    struct joined *j = ranks->own;
    char text[GN_MPI_TEXT];
    const int error = j->mpi->begin(&ranks->rank, &ranks->size);
    if (error != 0) {
        j->mpi->error(error, text);
        GN_FAIL(GN_STATUS_NO_DEVICE, "MPI cannot begin: %s", text);
    }
    if (launcher->size > 1 && ranks->size == 1) {
        j->mpi->library(text);
        gn_fail(GN_STATUS_NO_DEVICE,
                "%s says that %d processes were started, %s knows of one: each would train alone",
                launcher->source, launcher->size, text);
        gn_hint("start them with the mpirun of that MPI");
        return GN_STATUS_NO_DEVICE;
    }
    if (ranks->size > GN_MOST_RANKS)
        GN_FAIL(GN_STATUS_BAD_ARGUMENT, "%d processes, at most %d can train together", ranks->size,
                GN_MOST_RANKS);
    return GN_OK;
}

/* Processors of one machine that several ranks may use are shared by them. */
static int count_sharers(const struct gn_ranks *ranks, const struct place *places)
{
    const struct place *own = &places[ranks->rank];
    int n = 0;
    for (int r = 0; r < ranks->size; r++) {
        bool both = false;
        for (size_t i = 0; i < sizeof own->processors.bits; i++)
            both |= (own->processors.bits[i] & places[r].processors.bits[i]) != 0;
        n += both && strcmp(own->host, places[r].host) == 0;
    }
    return n > 0 ? n : 1;
}

static void describe(struct gn_ranks *ranks)
{
    const struct joined *j = ranks->own;
    char library[GN_MPI_TEXT], where[64] = "this machine";
    int machines = 0;
    for (int r = 0; r < ranks->size; r++) {
        int k = 0;
        while (strcmp(j->places[k].host, j->places[r].host) != 0)
            k++;
        machines += k == r;
    }
    j->mpi->library(library);
    if (machines > 1)
        gn_format(where, sizeof where, "%d machines", machines);
    (void)snprintf(ranks->text, sizeof ranks->text, "%d on %s, %s", ranks->size, where, library);
}

static gn_status introduce(struct gn_ranks *ranks)
{
    struct joined *j = ranks->own;
    struct place *own = &j->places[ranks->rank];
    gn_system_host(own->host, sizeof own->host);
    if (own->host[0] == '\0')
        (void)snprintf(own->host, sizeof own->host, "a machine without a name");
    gn_own_processors(&own->processors);
    GN_TRY(gn_ranks_share_equal(ranks, j->places, sizeof *j->places));
    ranks->here = count_sharers(ranks, j->places);
    describe(ranks);
    return GN_OK;
}

gn_ranks *gn_join_ranks(void)
{
    const struct gn_launcher launcher = gn_launcher();
    if (launcher.size == 1) {
        (void)gn_fail(GN_STATUS_NO_DEVICE, "no launcher (mpirun, srun) has started this process");
        return NULL;
    }
    if (launcher.plugin == NULL) {
        (void)gn_fail(GN_STATUS_NO_DEVICE,
                      "%s says that %d processes were started, but no MPI joins them: each would "
                      "train alone",
                      launcher.source, launcher.size);
        return NULL;
    }
    struct gn_ranks *ranks = gn_calloc(1, sizeof *ranks, "several processes");
    struct joined *j = gn_calloc(1, sizeof *j, "several processes");
    if (ranks != NULL && j != NULL) {
        *ranks = (struct gn_ranks){ .transport = &joined, .size = 1, .here = 1, .own = j };
        j->mpi = open_plugin(launcher.plugin);
        if (j->mpi != NULL && begin(ranks, &launcher) == GN_OK) {
            j->places = gn_calloc((size_t)ranks->size, sizeof *j->places, "several processes");
            if (j->places != NULL && introduce(ranks) == GN_OK)
                return ranks;
        }
        gn_free(j->places);
    }
    gn_free(j);
    gn_free(ranks);
    return NULL;
}
