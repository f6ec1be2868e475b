#!/usr/bin/env bash
# UrbanCAM's front door: makes .venv on first use, then calls the numbered scripts of code/ in order.
#
#   ./run.sh                      the demo city, from packed archives to figures
#   ./run.sh Paris Lyon           these cities (./run.sh all: the five of the study)
#   ./run.sh cities               the other experiment: name the city (rendered towns; --run default: your images)
#   ./run.sh status [CITY ...]    what is done, stale, missing
#   ./run.sh test [quick]         all tests but those that need a GPU (quick: the fast ones)
#
# Options: --run NAME (a file in code/config/), --dry-run (only print the calls); --set, --data, --results, --workers,
# --device and --force go to every script.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

STUDY="Paris Lyon Marseille Nice Lille"
DATA="01_download_census 02_import_urban_atlas 03_select_cells 04_download_aerial 05_cut_images 06_cut_land_cover"
SCORE="10_assign_folds 11_train_income 12_evaluate_income"
EXPLAIN="13_project_activation 14_landcover_statistics"
COMPARE="15_compare_variants 16_control_attribution 17_transfer_income"
DRAW="91_make_figures 92_make_report"

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 2; }

find_python() {
    for candidate in ${PYTHON:-} python3.11 python3 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            say "$candidate"
            return
        fi
    done
    fail "UrbanCAM needs Python 3.11 or newer. Install it, or name one: PYTHON=/path/to/python3.11 ./run.sh"
}

set_up() {  # .venv holds exactly what the lock says; the mark is written last, so a killed set-up is done again
    local lock=environment/requirements.lock mark=.venv/requirements.lock python
    cmp -s "$lock" "$mark" && return
    python=$(find_python) || exit 2
    "$python" -c 'import ensurepip, venv' 2>/dev/null || fail "this Python cannot make virtual environments (no ensurepip).
  what to do: install its venv package, on Debian and Ubuntu: sudo apt install python3.11-venv"
    say "sets up .venv from $lock: about 6 GB of disk, 2 to 10 minutes, once"
    rm -f "$mark"
    "$python" -m venv .venv && .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --require-hashes --requirement "$lock" || fail "the set-up of .venv did not finish (see above).
  what to do: check disk and network, then run the same command again"
    cp "$lock" "$mark"
}

call() {  # one script; --dry-run only prints it
    if [ -n "$dry_run" ]; then say "python code/$*"; return; fi
    local script=$1
    shift
    .venv/bin/python "code/$script" "$@"
}

run_steps() {  # these steps of one city, in order; stops at the first that fails
    local city=$1 run=$2 variant=$3 step status
    shift 3
    for step in "$@"; do
        case $step in
            0[01]_*|2?_*) call "$step.py" --run "$run" ${variant:+--variant "$variant"} ${options[@]+"${options[@]}"} ;;
            *)    call "$step.py" --city "$city" --run "$run" ${variant:+--variant "$variant"} \
                      ${options[@]+"${options[@]}"} ;;
        esac
        status=$?
        if [ $status -ne 0 ]; then
            say "== $city: stopped at $step (exit $status); what is finished is kept, the same command goes on"
            return $status
        fi
        case $step$variant in
            03_select_cells|22_index_patches)
                call 90_show_status.py --city "$city" --run "$run" --expect ${options[@]+"${options[@]}"} || return $? ;;
        esac
    done
}

list_variants() {  # what section `compare` of the settings asks for; "--left-out": the city left out, where others are
    [ -x .venv/bin/python ] || return 0  # --dry-run before the set-up
    .venv/bin/python code/90_show_status.py --city "$1" --run "$2" "$3" ${options[@]+"${options[@]}"}
}

run_variants() {
    local city=$1 run=$2 variant names
    names=$(list_variants "$city" "$run" "$3") || return $?
    for variant in $names; do
        case $variant in
            split-*) run_steps "$city" "$run" "$variant" $SCORE || return $? ;;
            *)       run_steps "$city" "$run" "$variant" $SCORE $EXPLAIN || return $? ;;
        esac
    done
}

run_city() {  # all steps of one city
    local city=$1 run=$2
    say "== $city, run $run"
    run_steps "$city" "$run" "" $([ "$city" != Demo ] || echo 00_make_demo_city) $DATA $SCORE $EXPLAIN &&
        run_variants "$city" "$run" --variants && run_steps "$city" "$run" "" $COMPARE $DRAW &&
        call 93_tell_results.py --city "$city" --run "$run" ${options[@]+"${options[@]}"}
}

run_experiment() {  # the cities experiment, with its variants before it is scored
    local run=$1 variant names
    say "== cities, run $run"
    case $run in demo*) run_steps cities "$run" "" 20_make_demo_sites || return $? ;; esac
    run_steps cities "$run" "" 21_import_sites 22_index_patches 23_train_cities || return $?
    names=$(list_variants cities "$run" --variants) || return $?
    for variant in $names; do
        run_steps cities "$run" "$variant" 22_index_patches 23_train_cities || return $?
    done
    run_steps cities "$run" "" 24_evaluate_cities 25_map_relevance 26_draw_cities
}

cities=() options=() run="" dry_run="" task=run
while [ $# -gt 0 ]; do
    case $1 in
        --run|--set|--data|--results|--workers|--device) [ -n "${2-}" ] || fail "$1 takes a value (./run.sh --help)" ;;
        -*) ;;
        ""|*/*) fail "'$1' is not a city's name" ;;
    esac
    case $1 in
        --run) run=$2; shift ;;
        --dry-run) dry_run=yes ;;
        --set|--data|--results|--workers|--device) options+=("$1" "$2"); shift ;;
        --force) options+=("$1") ;;
        -h|--help) sed -n '2,11s/^# \{0,1\}//p' run.sh; exit ;;
        -*) fail "there is no option $1 (./run.sh --help)" ;;
        test|status) task=$1 ;;
        quick) [ "$task" = test ] && quick=yes || cities+=("$1") ;;
        all) for name in $STUDY; do cities+=("$name"); done ;;
        cities) [ "$task" = status ] && cities+=("$1") || task=cities ;;
        *) [[ " ${cities[*]-} " == *" $1 "* ]] || cities+=("$1") ;;
    esac
    shift
done

[ -n "$dry_run" ] || set_up

if [ "$task" = test ]; then
    if [ -n "${quick:-}" ]; then
        exec .venv/bin/python -m pytest -m "not slow and not gpu and not browser" tests
    fi
    exec .venv/bin/python -m pytest -m "not gpu" tests
fi

if [ "$task" = status ] && [ ${#cities[@]} -eq 0 ]; then  # every city and run that there is
    for folder in results/*/*/samples.csv results/cities/*/patches.parquet; do
        [ -e "$folder" ] || continue
        folder=${folder%/*}
        [ "${run:-${folder##*/}}" = "${folder##*/}" ] || continue
        city=${folder%/*}
        call 90_show_status.py --city "${city##*/}" --run "${folder##*/}" ${options[@]+"${options[@]}"} || exit $?
        cities+=("${city##*/}")
    done
    [ ${#cities[@]} -eq 0 ] || exit 0
fi
if [ "$task" = cities ]; then
    [ ${#cities[@]} -eq 0 ] || fail "./run.sh cities takes no city: it works on all at once. Leave out: ${cities[*]}"
    run_experiment "${run:-demo}"
    exit
fi
[ ${#cities[@]} -gt 0 ] || cities=(Demo)

run_of() {  # the run of a city: the one named, else demo for the demo city and default for all others
    if [ -n "$run" ]; then say "$run"; elif [ "$1" = Demo ] || [ "$1" = cities ]; then say demo; else say default; fi
}

worst=0 done=()
note() {  # the worst status seen; an interrupt ends everything
    [ "$1" -ne 130 ] || exit 130
    [ "$1" -le $worst ] || worst=$1
}

for city in "${cities[@]}"; do
    if [ "$task" = status ]; then
        call 90_show_status.py --city "$city" --run "$(run_of "$city")" ${options[@]+"${options[@]}"}
    else
        run_city "$city" "$(run_of "$city")" && done+=("$city")
    fi
    note $?
done
first=${done[0]-}
if [ -n "$first" ] && { [ ${#done[@]} -gt 1 ] || [ -n "$(list_variants "$first" "$(run_of "$first")" --left-out)" ]; }; then
    for city in "${done[@]}"; do  # with several cities at hand: each one left out, and predicted by the others' models
        say "== $city among the cities at hand"
        run_variants "$city" "$(run_of "$city")" --left-out && run_steps "$city" "$(run_of "$city")" "" $COMPARE
        note $?
    done
    for city in "${done[@]}"; do  # drawn last: the transfer matrix takes a line from every city
        run_steps "$city" "$(run_of "$city")" "" $DRAW
        note $?
    done
fi
exit $worst
