#!/bin/sh
# Processes that an MPI's launcher has started train the same files, byte for byte, as one; a rank that is lost, and a
# launcher whose MPI does not answer, end in a sentence.
# labels: push no-sanitize
# timeout: 600
. "$GN_SOURCE_DIR/tests/cli/cases.sh"

data set 100 30 10
small='--data set --size 16 --batch 24 --grain 3 --epochs 2 --threads 1 --model googlenet-small --momentum 0.9'
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# ---- A launcher whose MPI does not know of it; no MPI is needed for that ----
for launch in SLURM_NTASKS=2 PMIX_RANK=0 OMPI_COMM_WORLD_SIZE=2 PMI_SIZE=2; do
    variable=${launch%=*}
    export "${launch?}" GOOGLENET_MPI=/nowhere
    # shellcheck disable=SC2086
    expect 5 'no MPI joins them|the plugin .* is not there' train $small --out never
    # shellcheck disable=SC2086
    expect 0 'each of them trains alone' train $small --processes 1 --max-steps 1 --overwrite --out alone
    unset "$variable" GOOGLENET_MPI
done
[ ! -e never ] || fail "a run that could not begin left a folder"

# ---- Each MPI that is there ----
# joint MPI N FLAGS...: a training by N processes of that MPI. Open MPI refuses more than there are processors,
# MPICH waits with all of them.
joint()
{
    mpi=$1
    n=$2
    shift 2
    crowd=
    [ "$mpi" = mpich ] || crowd=--oversubscribe
    "mpirun.$mpi" $crowd -n "$n" "$GOOGLENET" "${command:-train}" "$@" >out 2>err </dev/null
    code=$?
}

# fails CODE: the joint command ended so. Open MPI 4.1's mpirun itself may break down (139) when it ends processes that
# failed; what they said is there all the same.
fails()
{
    [ "$code" = "$1" ] || { [ "$mpi" = openmpi ] && [ "$code" = 139 ]; } || fail "$mpi: exit code $code instead of $1"
}

# good MPI N FLAGS...: it ends well.
good()
{
    joint "$@"
    [ "$code" = 0 ] || fail "$*: exit code $code: $(tail -n 5 err)"
}

# said PATTERN: once, by whoever.
said()
{
    [ "$(grep '^googlenet: ' err | grep -v 'googlenet: warning: ' | grep -cE -- "$1")" = 1 ] ||
        fail "not said once: $1: $(cat err)"
}

# shellcheck disable=SC2086
expect 0 '' train $small --out one
tried=
for mpi in openmpi mpich; do
    if [ ! -e "$GN_BUILD_DIR/googlenet-$mpi.so" ] || ! command -v mpirun.$mpi >/dev/null; then
        echo "SKIPPED: $mpi is not here"
        continue
    fi
    tried="$tried $mpi"
    run info --json
    holds out "\"$mpi\": true"
    counts='1 2 3 4'
    [ $mpi = openmpi ] || counts=2
    for n in $counts; do
        # shellcheck disable=SC2086
        good $mpi $n $small --out $mpi-$n
        for file in model best checkpoint; do
            same one/$file.safetensors $mpi-$n/$file.safetensors
        done
        [ "$n" = 1 ] || holds err "^processes $n on this machine, .*MPI"
    done

    # It goes on with another number, by another MPI or by none, and one line does for a batch job.
    # shellcheck disable=SC2086
    good $mpi 2 --resume $mpi-moved --or-start $small --max-steps 3
    # shellcheck disable=SC2086
    good $mpi 2 --resume $mpi-moved --or-start $small --max-steps 5
    expect 0 '' train --resume $mpi-moved --max-steps 1000 --threads 2
    same one/checkpoint.safetensors $mpi-moved/checkpoint.safetensors

    # An evaluation is one, too.
    [ -e eval ] || expect 0 '' eval one/best.safetensors --data set --batch 8 --predictions one.csv --json
    [ -e eval ] || grep -v seconds out >eval
    command=eval good $mpi 2 one/best.safetensors --data set --batch 8 --predictions $mpi.csv --json
    grep -v seconds out >eval-$mpi
    same eval eval-$mpi
    same one.csv $mpi.csv

    # What is wrong is said once.
    joint $mpi 2 --data no-such-set
    fails 3
    said 'no-such-set'
    joint $mpi 2 --data set --batch 0
    fails 2
    said '--batch'
    joint $mpi 2 --data set --seeds 2
    fails 2
    said 'do one run'
    # shellcheck disable=SC2086
    joint $mpi 2 $small --out one
    fails 5
    same one/checkpoint.safetensors $mpi-2/checkpoint.safetensors
done
[ -n "$tried" ] || exit 77

# ---- Ranks that are lost ----
# begin MPI FLAGS...: a run of two that will not end by itself; $launcher, and $rank, the process of rank 1.
begin()
{
    rm -rf lost
    mpi=$1
    shift
    crowd=
    [ "$mpi" = mpich ] || crowd=--oversubscribe
    # shellcheck disable=SC2086
    "mpirun.$mpi" $crowd -n 2 "$GOOGLENET" train $small --epochs 100000 --checkpoint-steps 1 --out lost "$@" \
        >out 2>err </dev/null &
    launcher=$!
    i=0
    while [ ! -s lost/checkpoint.previous.safetensors ] && [ $i -lt 300 ]; do
        sleep 0.1
        i=$((i + 1))
    done
    rank=
    for process in $(pgrep -f -- "$GOOGLENET train .*--out lost"); do
        tr '\0' '\n' <"/proc/$process/environ" 2>/dev/null | grep -qE '^(OMPI_COMM_WORLD_RANK|PMI_RANK)=1$' &&
            rank=$process
    done
    [ -n "$rank" ] || fail "$mpi: no rank 1: $(cat err)"
}

# ends CODES PATTERN [LINE]: it ends with one of these exit codes, says so once ("": leaves that to the launcher), with that line
# before it, leaves no process, and can go on.
ends()
{
    wait "$launcher"
    code=$?
    [ -z "$2" ] || said "$2"
    [ -z "${3:-}" ] || holds err "$3"
    [ "$mpi" = mpich ] || set -- "$1 139" "$2"
    case " $1 " in *" $code "*) ;; *) fail "exit code $code instead of $1: $(tail -n 5 err)" ;; esac
    expect 0 '' verify lost/checkpoint.safetensors
    i=0
    while pgrep -f -- "$GOOGLENET train .*--out lost" >/dev/null && [ $i -lt 100 ]; do
        sleep 0.1
        i=$((i + 1))
    done
    [ $i -lt 100 ] || fail "a process is left"
}

for mpi in $tried; do
    # mpirun ends all: Open MPI's asks first, so that there is time to say where (here more than its second, on a busy machine).
    asked=
    [ "$mpi" = mpich ] || asked='^googlenet: warning: asked to stop in step [0-9]+, where rank 1 \(.*\) has not answered for [0-9.]+ s$'
    export OMPI_MCA_odls_base_sigkill_timeout=3
    begin "$mpi"
    kill -9 "$rank"
    ends '137 9' '' "$asked"
    unset OMPI_MCA_odls_base_sigkill_timeout
    begin "$mpi"
    kill -TERM "$rank"
    ends 130 'stopped on request at step'
    begin "$mpi" --rank-timeout 1s
    kill -STOP "$rank"
    ends 5 'rank 1 \(.*\) has not answered for [0-9]+ s in step [0-9]+$'
done
finish
