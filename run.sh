#!/usr/bin/env bash
# UrbanCAM's front door: makes .venv on first use, then calls the numbered scripts of code/ in order.
#
#   ./run.sh                      the demo city, from packed archives to figures
#   ./run.sh Paris Lyon           these cities (./run.sh all: the five of the study)
#   ./run.sh Paris --expect       only up to what its imagery will take: campaigns on offer, gigabytes, cells served
#   ./run.sh cities               the other experiment: name the city (rendered towns; --run default: your images)
#   ./run.sh status [CITY ...]    what is done, stale, missing
#   ./run.sh test [quick|long]    all tests but the longest (quick: the fast ones; long: the longest alone)
#
# Options: --run NAME (a file in code/config/), --dry-run (only print the calls); --set, --data, --results, --workers,
# --device and --force go to every script.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

STUDY="Paris Lyon Marseille Nice Lille"

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

plan() {  # the calls of a part of the plan of a city, a line each: script, "city" where it takes one, variant, option
    local python=.venv/bin/python
    if [ ! -x $python ]; then  # --dry-run before the set-up: settings, and so variants, cannot be read yet
        case $1 in
            variants) say "(here come the variants of the run, known after the set-up)" >&2; return ;;
            left-out) return ;;
        esac
        python=$(find_python) || exit 2
    fi
    "$python" code/90_show_status.py --city "$2" --run "$3" --plan "$1" ${options[@]+"${options[@]}"}
}

run_part() {  # the calls of a part of the plan of a city, in order; stops at the first that fails
    local part=$1 city=$2 run=$3 lines script takes_city variant option status words
    lines=$(plan "$part" "$city" "$run") || return $?
    while read -r script takes_city variant option; do
        [ -n "$script" ] || continue
        words=()
        [ "$takes_city" = - ] || words+=(--city "$city")
        words+=(--run "$run")
        [ "$variant" = - ] || words+=(--variant "$variant")
        [ "$option" = - ] || words+=("$option")
        call "$script.py" "${words[@]}" ${options[@]+"${options[@]}"} </dev/null
        status=$?
        if [ $status -ne 0 ]; then
            say "== $city: stopped at $script (exit $status); what is finished is kept, the same command goes on"
            return $status
        fi
    done <<<"$lines"
}

run_city() {  # all steps of a city, or of the cities experiment
    local city=$1 run=$2 part
    say "== $city, run $run"
    for part in $parts; do
        run_part $part "$city" "$run" || return $?
    done
}

run_of() {  # the run of a city: the one named, else demo for the demo city and default for all others
    if [ -n "$run" ]; then say "$run"; elif [ "$1" = Demo ] || [ "$1" = cities ]; then say demo; else say default; fi
}

worst=0 done=()
note() {  # the worst status seen; an interrupt ends everything
    [ "$1" -ne 130 ] || exit 130
    [ "$1" -le $worst ] || worst=$1
}

cities=() options=() run="" results=results dry_run="" task=run tests="" parts="main variants compare show tell"
while [ $# -gt 0 ]; do
    case $1 in
        --run|--set|--data|--results|--workers|--device) [ -n "${2-}" ] || fail "$1 takes a value (./run.sh --help)" ;;
        -*) ;;
        ""|*/*) fail "'$1' is not a city's name" ;;
    esac
    case $1 in
        --run) run=$2; shift ;;
        --dry-run) dry_run=yes ;;
        --results) results=$2; options+=("$1" "$2"); shift ;;
        --set|--data|--workers|--device) options+=("$1" "$2"); shift ;;
        --force) options+=("$1") ;;
        --expect) parts=expect ;;
        -h|--help) sed -n '2,12s/^# \{0,1\}//p' run.sh; exit ;;
        -*) fail "there is no option $1 (./run.sh --help)" ;;
        test|status) task=$1 ;;
        quick|long) [ "$task" = test ] && tests=$1 || cities+=("$1") ;;
        all) for name in $STUDY; do cities+=("$name"); done ;;
        cities) [ "$task" = status ] && cities+=("$1") || task=cities ;;
        *) [[ " ${cities[*]-} " == *" $1 "* ]] || cities+=("$1") ;;
    esac
    shift
done

if [ "$parts" = expect ] && [ "$task" != run ]; then
    fail "--expect says what the imagery of cities will take: ./run.sh Paris --expect"
fi

[ -n "$dry_run" ] || set_up

if [ "$task" = test ]; then
    case $tests in
        quick) marks="not slow and not long and not gpu and not browser" ;;
        long) marks="long and not gpu" ;;
        *) marks="not long and not gpu" ;;
    esac
    # two processes share the tests by file, in the order of tests/conftest.py
    command=(.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "$marks" tests)
    if [ -n "$dry_run" ]; then say "${command[*]@Q}"; exit; fi
    exec "${command[@]}"
fi

if [ "$task" = status ] && [ ${#cities[@]} -eq 0 ]; then  # every city and run that there is
    for folder in "$results"/*/*/samples.csv "$results"/cities/*/patches.parquet; do
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
    run_city cities "$(run_of cities)"
    exit
fi
[ ${#cities[@]} -gt 0 ] || cities=(Demo)

for city in "${cities[@]}"; do
    if [ "$task" = status ]; then
        call 90_show_status.py --city "$city" --run "$(run_of "$city")" ${options[@]+"${options[@]}"}
    else
        run_city "$city" "$(run_of "$city")" && done+=("$city")
    fi
    note $?
done
[ "$parts" != expect ] || exit $worst
first=${done[0]-}
if [ -n "$first" ] && { [ ${#done[@]} -gt 1 ] || [ -n "$(plan left-out "$first" "$(run_of "$first")")" ]; }; then
    for city in "${done[@]}"; do  # with several cities at hand: each one left out, and predicted by the others' models
        say "== $city among the cities at hand"
        run_part left-out "$city" "$(run_of "$city")" && run_part compare "$city" "$(run_of "$city")"
        note $?
    done
    for city in "${done[@]}"; do  # drawn last: the transfer matrix takes a line from every city
        run_part show "$city" "$(run_of "$city")"
        note $?
    done
fi
exit $worst
