/*
 * What libgooglenet asks of MPI, answered by googlenet-openmpi.so or googlenet-mpich.so: the same file compiled with
 * each of them, since their binary interfaces differ. The library opens one under a launcher only.
 *
 * Every function is for the thread that called begin. An int that is returned is 0, or MPI's number of an error.
 */
#ifndef GN_MPI_PLUGIN_H
#define GN_MPI_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GN_MPI_VERSION = 1, GN_MPI_TEXT = 256 };

/* An operation that is under way; of neither MPI is it longer than a pointer. */
typedef uint64_t gn_mpi_request;

struct gn_mpi {
    int version; /* GN_MPI_VERSION */
    int (*begin)(int *rank, int *size);
    /* "Open MPI v4.1.4", and the text of an error. */
    void (*library)(char text[GN_MPI_TEXT]);
    void (*error)(int number, char text[GN_MPI_TEXT]);
    /* Begin; the bytes belong to MPI until the operation is done. At most 2^30 bytes. Each lane by itself keeps its
     * order. */
    int (*send)(int to, int lane, const void *data, size_t bytes, gn_mpi_request *request);
    int (*receive)(int from, int lane, void *data, size_t bytes, gn_mpi_request *request);
    int (*meet)(gn_mpi_request *request); /* all ranks have called it */
    int (*test)(gn_mpi_request *request, bool *done);
    int (*cancel)(gn_mpi_request *request); /* of receive; the bytes are the caller's again */
    /* Words beside the others: sent, and whether there were any from anybody. */
    int (*tell)(int to, const void *words, size_t bytes, gn_mpi_request *request);
    int (*told)(void *words, size_t bytes, bool *any);
    void (*end)(void);      /* all ranks call it */
    void (*stop)(int code); /* ends all processes of the launcher; does not return */
};

#endif
