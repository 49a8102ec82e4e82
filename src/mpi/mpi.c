/* The functions of plugin.h, by MPI. No reduction of MPI is used: its sums may depend on who has what. */
#include "mpi/plugin.h"

#include <mpi.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(MPI_Request) <= sizeof(gn_mpi_request), "a request fits");

__attribute__((visibility("default"))) extern const struct gn_mpi googlenet_mpi;

enum { TAG = 1 };
static MPI_Comm data, words; /* so that one never takes what is meant for the other */

static MPI_Request load(const gn_mpi_request *request)
{
    MPI_Request r;
    memcpy(&r, request, sizeof r);
    return r;
}

static void store(gn_mpi_request *request, MPI_Request r)
{
    *request = 0;
    memcpy(request, &r, sizeof r);
}

static int begin(int *rank, int *size)
{
    int given;
    int error = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &given);
    if (error == MPI_SUCCESS)
        error = MPI_Comm_dup(MPI_COMM_WORLD, &data);
    if (error == MPI_SUCCESS)
        error = MPI_Comm_dup(MPI_COMM_WORLD, &words);
    if (error != MPI_SUCCESS)
        return error;
    (void)MPI_Comm_set_errhandler(data, MPI_ERRORS_RETURN);
    (void)MPI_Comm_set_errhandler(words, MPI_ERRORS_RETURN);
    error = MPI_Comm_rank(data, rank);
    return error == MPI_SUCCESS ? MPI_Comm_size(data, size) : error;
}

static void library(char text[GN_MPI_TEXT])
{
    char whole[MPI_MAX_LIBRARY_VERSION_STRING];
    int n = 0;
    if (MPI_Get_library_version(whole, &n) != MPI_SUCCESS)
        n = 0;
    whole[n < (int)sizeof whole ? n : 0] = '\0';
    /* "Open MPI v4.1.4, package: ...", and "MPICH Version:<tab>4.0.2<newline>..." */
    whole[strcspn(whole, ",\n")] = '\0';
    char *tab = strstr(whole, " Version:\t");
    if (tab != NULL)
        memmove(tab + 1, tab + sizeof " Version:\t" - 1,
                strlen(tab + sizeof " Version:\t" - 1) + 1);
    (void)snprintf(text, GN_MPI_TEXT, "%.*s", GN_MPI_TEXT - 1, whole);
}

static void error_text(int number, char text[GN_MPI_TEXT])
{
    char whole[MPI_MAX_ERROR_STRING];
    int n = 0;
    if (MPI_Error_string(number, whole, &n) != MPI_SUCCESS)
        n = 0;
    (void)snprintf(text, GN_MPI_TEXT, "%.*s", n < GN_MPI_TEXT ? n : GN_MPI_TEXT - 1, whole);
}

static int send(int to, int lane, const void *bytes, size_t n, gn_mpi_request *request)
{
    MPI_Request r;
    const int error = MPI_Isend(bytes, (int)n, MPI_BYTE, to, lane, data, &r);
    store(request, r);
    return error;
}

static int receive(int from, int lane, void *bytes, size_t n, gn_mpi_request *request)
{
    MPI_Request r;
    const int error = MPI_Irecv(bytes, (int)n, MPI_BYTE, from, lane, data, &r);
    store(request, r);
    return error;
}

static int meet(gn_mpi_request *request)
{
    MPI_Request r;
    const int error = MPI_Ibarrier(words, &r);
    store(request, r);
    return error;
}

static int test(gn_mpi_request *request, bool *done)
{
    MPI_Request r = load(request);
    int flag = 0;
    const int error = MPI_Test(&r, &flag, MPI_STATUS_IGNORE);
    store(request, r);
    *done = flag != 0;
    return error;
}

static int cancel(gn_mpi_request *request)
{
    MPI_Request r = load(request);
    const int error = MPI_Cancel(&r);
    return error == MPI_SUCCESS ? MPI_Wait(&r, MPI_STATUS_IGNORE) : error;
}

static int tell(int to, const void *bytes, size_t n, gn_mpi_request *request)
{
    MPI_Request r;
    const int error = MPI_Isend(bytes, (int)n, MPI_BYTE, to, TAG, words, &r);
    store(request, r);
    return error;
}

static int told(void *bytes, size_t n, bool *any)
{
    int flag = 0;
    MPI_Status status;
    int error = MPI_Iprobe(MPI_ANY_SOURCE, TAG, words, &flag, &status);
    *any = false;
    if (error != MPI_SUCCESS || !flag)
        return error;
    error = MPI_Recv(bytes, (int)n, MPI_BYTE, status.MPI_SOURCE, TAG, words, MPI_STATUS_IGNORE);
    *any = error == MPI_SUCCESS;
    return error;
}

static void end(void)
{
    (void)MPI_Finalize();
}

static void stop(int code)
{
    (void)MPI_Abort(MPI_COMM_WORLD, code);
}

const struct gn_mpi googlenet_mpi = { .version = GN_MPI_VERSION,
                                      .begin = begin,
                                      .library = library,
                                      .error = error_text,
                                      .send = send,
                                      .receive = receive,
                                      .meet = meet,
                                      .test = test,
                                      .cancel = cancel,
                                      .tell = tell,
                                      .told = told,
                                      .end = end,
                                      .stop = stop };
