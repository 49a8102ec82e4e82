/* What the environment says of a launcher (mpirun, srun) that started this process among others. */
#ifndef GN_CLUSTER_LAUNCHER_H
#define GN_CLUSTER_LAUNCHER_H

struct gn_launcher {
    int rank, size;     /* size 1: started alone; 0: only MPI knows how many */
    const char *plugin; /* the MPI of the launcher; NULL: it is Slurm without any */
    const char *source; /* the variable that says so */
};

struct gn_launcher gn_launcher(void);

#endif
