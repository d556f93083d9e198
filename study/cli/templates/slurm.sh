#!/bin/bash
# A study on Slurm: Ray on every node of one job, the launch on the first.  Ray's ports are chosen anew for each job, and
# only who has the job's token (mode 0600) may use them.
#
#   sbatch FILE                          queue it, from a folder that every node sees
#   scancel --batch --signal=TERM JOB    stop cleanly: trials checkpoint and leave (plain scancel kills them)
#   sbatch FILE                          go on from there
#   study status STUDY --store __STORE__
#
# __NOTICE__ seconds before the time limit the launch is told to stop.
# It checkpoints, and the job goes back into the queue until the study is done.    #? requeue
# The job's exit status is the launch's: 0 complete, 1 some trials failed, 2 wrong spec, 3 held by another, 130 stopped.
#
#SBATCH --job-name=__NAME__
#SBATCH --nodes=__NODES__
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=__CPUS__
#SBATCH --gpus-per-node=__GPUS__    #? gpus
#SBATCH --mem=__MEMORY__G
#SBATCH --time=__TIME__
#SBATCH --signal=B:USR1@__NOTICE__
#SBATCH --partition=__PARTITION__    #? partition
#SBATCH --account=__ACCOUNT__    #? account
#SBATCH --qos=__QOS__    #? qos
#SBATCH --constraint="__CONSTRAINT__"    #? constraint
#SBATCH --requeue    #? requeue
#SBATCH --no-requeue    #? once
#SBATCH --output=%x-%j.log
#SBATCH --open-mode=append

module load __MODULES__    #? modules
# shellcheck disable=SC1091    #? venv
source __VENV__/bin/activate    #? venv
set -euo pipefail

STORE=__STORE__
export STUDY_DATA=__DATA__    #? data
# Since Slurm 22.05 a step no longer takes the job's CPUs by itself.
export SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"

say() { echo "$(date '+%F %T')  $*"; }

# --- Who may talk to this job's Ray -----------------------------------------------------------------------------------
folder="$PWD/__NAME__-$SLURM_JOB_ID"
scratch="/tmp/ray-$SLURM_JOB_ID"  # on each node; short, since sockets lie in it
mkdir -p "$folder"
chmod 700 "$folder"
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH="$folder/token"
unset RAY_AUTH_TOKEN RAY_ADDRESS
(umask 077 && rm -f "$RAY_AUTH_TOKEN_PATH" && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$RAY_AUTH_TOKEN_PATH")

# --- Signals and the end ----------------------------------------------------------------------------------------------
declare -A raylets=()  # the srun of each node's Ray, by node
waiter='' launch='' stopping='' time_is_up=''

# shellcheck disable=SC2329  # traps call it
stop() {  # WHY: the launch, or the wait before it, is to end by itself.
    stopping=1
    say "$1: the launch is told to stop"
    if [[ -n $launch ]]; then
        kill -TERM "$launch" 2>/dev/null || true
    elif [[ -n $waiter ]]; then
        kill -TERM "$waiter" 2>/dev/null || true
    fi
}
trap 'time_is_up=1; stop "The time limit is near"' USR1
trap 'stop "SIGTERM"' TERM
trap 'stop "SIGINT"' INT

# shellcheck disable=SC2329  # the trap below calls it
finish() {  # Ends this job's Ray by the ids of its processes, and takes the token away.
    local status=$? node second alive
    trap '' USR1 TERM INT
    trap - EXIT
    for node in "${!raylets[@]}"; do kill -TERM "${raylets[$node]}" 2>/dev/null || true; done
    for ((second = 0; second < 20; second++)); do
        alive=''
        for node in "${!raylets[@]}"; do kill -0 "${raylets[$node]}" 2>/dev/null && alive=1; done
        [[ -n $alive ]] || break
        sleep 1
    done
    for node in "${!raylets[@]}"; do kill -KILL "${raylets[$node]}" 2>/dev/null || true; done
    rm -f "$RAY_AUTH_TOKEN_PATH"
    if ((status == 0 || status == 130)); then
        timeout 60 srun --nodes=__NODES__ --ntasks=__NODES__ rm -rf "$scratch" || true
    else
        say "Ray's own logs are in $scratch on each node"
    fi
    say "The job ends with status $status"
    exit "$status"
}
trap finish EXIT

result_of() {  # PID: waits for it, however often a signal comes in between; its exit status is the function's.
    local status
    while :; do
        status=0
        wait "$1" || status=$?
        kill -0 "$1" 2>/dev/null || break
    done
    if ((status > 128)); then  # of the signal that came while it ended, perhaps: its own is remembered
        local again=0
        wait "$1" 2>/dev/null || again=$?
        ((again == 127)) || status=$again
    fi
    return "$status"
}

# --- Ray on every node ------------------------------------------------------------------------------------------------
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
if ((${#nodes[@]} != __NODES__)); then
    say "Slurm gave ${#nodes[@]} nodes, __NODES__ were asked for"
    exit 1
fi
head="${nodes[0]}"
head_ip=''
for word in $(getent ahostsv4 "$head" || true) $(hostname -I 2>/dev/null || true); do
    if [[ $word =~ ^[0-9]+(\.[0-9]+){3}$ && $word != 127.* ]]; then
        head_ip=$word
        break
    fi
done
if [[ -z $head_ip ]]; then
    say "$head has no IPv4 address but the loopback's: Ray on the other nodes could not reach it"
    exit 1
fi
# This script runs on the head: ports that are free here, so that jobs that share a node do not meet.
read -r port dashboard_port client_port < <(python3 -c '
import importlib.util, socket
sockets = [socket.socket() for _ in range(3)]
for one in sockets:
    one.bind(("", 0))
port, dashboard, client = (one.getsockname()[1] for one in sockets)
print(port, dashboard, client if importlib.util.find_spec("grpc") else "none")')
address="$head_ip:$port"

# Every other port is left to the kernel: 0 takes any that is free.  Ray would offer all of a node's memory: it reads the
# limit of the outermost cgroup, and Slurm's is an inner one.  Trials get nine tenths of --mem, Ray and its store the rest.
common=(--block --disable-usage-stats "--num-cpus=$SLURM_CPUS_PER_TASK" --num-gpus=__GPU_COUNT__
    --memory=__MEMORY_BYTES__ --object-store-memory=1000000000 --min-worker-port=0 --max-worker-port=0
    --dashboard-agent-listen-port=0 --temp-dir="$scratch")

on() {  # NODE ARGUMENT…: Ray on one node, for as long as the job lasts.
    srun --nodes=1 --ntasks=1 --nodelist="$1" --cpu-bind=none --export=ALL --output="$folder/ray-$1.log" \
        ray start "${common[@]}" "${@:2}" &
    raylets[$1]=$!
}

say "Ray on ${#nodes[@]} nodes, the head on $head at $address; its logs in $folder"
as_head=(--head "--node-ip-address=$head_ip" "--port=$port" --dashboard-host=127.0.0.1
    "--dashboard-port=$dashboard_port")
# Where the extra ray[client] is not installed, Ray opens no port for it, and refuses the option.
[[ $client_port == none ]] || as_head+=("--ray-client-server-port=$client_port")
on "$head" "${as_head[@]}"
study cluster wait --address "$address" --nodes 1 --minutes __JOIN_MINUTES__ &
waiter=$!

lost() {  # Whether a node's Ray has ended; says which.
    local node
    for node in "${!raylets[@]}"; do
        if ! kill -0 "${raylets[$node]}" 2>/dev/null; then
            say "Ray on $node ended; the last lines of $folder/ray-$node.log:"
            tail -n 20 "$folder/ray-$node.log" 2>/dev/null || true
            return 0
        fi
    done
    return 1
}

joined() {  # Until `study cluster wait` is content; 130 if told to stop, 1 if a node is lost before.
    while kill -0 "$waiter" 2>/dev/null; do
        if [[ -z $stopping ]] && lost; then
            kill -TERM "$waiter" 2>/dev/null || true
            result_of "$waiter" || true
            return 1
        fi
        sleep 1
    done
    local status=0
    result_of "$waiter" || status=$?
    [[ -z $stopping ]] || return 130
    return "$status"
}

status=0
joined || status=$?
if ((status == 0 && ${#nodes[@]} > 1)); then
    for node in "${nodes[@]:1}"; do on "$node" --address="$address"; done
    study cluster wait --address "$address" --nodes "${#nodes[@]}" --minutes __JOIN_MINUTES__ &
    waiter=$!
    joined || status=$?
fi

# --- The study --------------------------------------------------------------------------------------------------------
if ((status == 0)); then
    waiter=''
    study launch __SPEC__ --address "$address" --store "$STORE" &
    launch=$!
    [[ -z $stopping ]] || kill -TERM "$launch" 2>/dev/null || true
    result_of "$launch" || status=$?
fi
if [[ -n $time_is_up ]] && ((status == 130 || status == 143)); then
    say "The job goes back into the queue"    #? requeue
    scontrol requeue "$SLURM_JOB_ID"    #? requeue
    say "There was not time enough: queue it again to go on"    #? once
fi
exit "$status"
