#include "cluster/launcher.h"

#include "base/number.h"
#include "cluster/ranks.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

static const char open_mpi[] = "googlenet-openmpi.so", mpich[] = "googlenet-mpich.so";

/* A number from the environment; -1: there is none. */
static int number_of(const char *variable)
{
    const char *text = getenv(variable);
    char *end;
    if (text == NULL || *text < '0' || *text > '9')
        return -1;
    const long n = strtol(text, &end, 10);
    return *end != '\0' || n > INT_MAX ? -1 : (int)n;
}

static int at_least_0(int n)
{
    return n < 0 ? 0 : n;
}

struct gn_launcher gn_launcher(void)
{
    static const struct {
        const char *size, *rank, *plugin;
    } known[] = { { "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", open_mpi },
                  { "PMI_SIZE", "PMI_RANK", mpich } };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const int size = number_of(known[i].size);
        if (size >= 1)
            return (struct gn_launcher){ at_least_0(number_of(known[i].rank)), size,
                                         known[i].plugin, known[i].size };
    }
    const int tasks = number_of("SLURM_NTASKS");
    if (number_of("PMIX_RANK") >= 0)
        return (struct gn_launcher){ number_of("PMIX_RANK"), at_least_0(tasks), open_mpi,
                                     "PMIX_RANK" };
    if (tasks > 1)
        return (struct gn_launcher){ at_least_0(number_of("SLURM_PROCID")), tasks, NULL,
                                     "SLURM_NTASKS" };
    return (struct gn_launcher){ .size = 1 };
}

int gn_launched(int *rank)
{
    const struct gn_launcher launcher = gn_launcher();
    if (rank != NULL)
        *rank = launcher.rank;
    return launcher.size;
}
