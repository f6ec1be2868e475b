#!/usr/bin/env bash
# UrbanCAM's front door: makes .venv on first use, then calls the numbered scripts of code/ in order.
#
#   ./run.sh                      the demo city, from packed archives to figures
#   ./run.sh Paris Lyon           these cities (./run.sh all: the five of the study)
#   ./run.sh Paris --expect       only up to what its imagery will take: campaigns on offer, gigabytes, cells served
#   ./run.sh cities               the other experiment: name the city (rendered towns; --run default: your images)
#   ./run.sh status [CITY ...]    what is done, stale, missing
#   ./run.sh check CITY ...       before anything long: what of cells, images and land cover fits, in words and a picture
#   ./run.sh settings [CITY]      every setting of the run (and city), and which file it comes from
#   ./run.sh new CITY             begin a city from your own files: its settings file, with comments (docs/own-data.md)
#   ./run.sh export [CITY ...]    what a run came to, as one zip for a repository
#   ./run.sh cluster CITY ...     the same scripts on Slurm or on several GPUs: --profile, --dry-run (docs/cluster.md)
#   ./run.sh test [quick|long]    all tests but the longest (quick: the fast ones; long: the longest alone)
#
# Options: --run NAME (a file in code/config/), --dry-run (only print the calls); --set, --data, --results, --workers,
# --device and --force go to every script. Environment: PYTHON=/path/to/python, TORCH=cpu or TORCH=gpu (docs/setup.md).
set -u
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

STUDY="Paris Lyon Marseille Nice Lille"
LOCK=environment/requirements.lock

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

python=.venv/bin/python
own=""      # an environment of the user's own that holds the packages
lacking=""  # what an active conda environment lacks
choose_python() {  # one that holds the packages is used as it is: named with PYTHON, or of the active conda environment
    local candidate=${PYTHON:-} answer
    [ -n "$candidate" ] || [ -z "${CONDA_PREFIX-}" ] || candidate=$CONDA_PREFIX/bin/python
    [ -n "$candidate" ] || return 0
    answer=$("$candidate" environment/compare_packages.py "$LOCK" 2>/dev/null)
    case $answer in
        "holds all"*)
            python=$candidate own=yes
            [ -n "${dry_run-}" ] || say "uses $candidate, which $answer" ;;
        *) [ -n "${PYTHON:-}" ] || lacking="the active conda environment $CONDA_PREFIX ${answer:-is no Python 3.11 or newer}" ;;
    esac
}

torch_kind() {  # cpu: without CUDA; gpu: as the lock has it (on macOS that is without CUDA too)
    case ${TORCH-} in
        cpu|gpu) say "$TORCH"; return ;;
        "") ;;
        *) fail "TORCH is cpu or gpu, not '$TORCH'" ;;
    esac
    if [ "$(uname -s)" != Linux ] || [ -e /dev/nvidia0 ] || nvidia-smi -L >/dev/null 2>&1; then say gpu; else say cpu; fi
}

install() { .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes "$@"; }

install_for_cpu() {  # all that the lock holds but CUDA; torch and torchvision, the same versions, from PyTorch's own index
    awk '/^[^ #]/ { keep = !/^(torch|torchvision|triton|nvidia-[a-z0-9-]*|cuda-[a-z0-9-]*)==/ } keep' "$LOCK" \
        >.venv/without-cuda.lock && install --no-deps --requirement .venv/without-cuda.lock &&
        .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --torch-backend cpu \
            $(sed -n 's/^\(torch\(vision\)\{0,1\}==[^ ]*\).*/\1/p' "$LOCK")
}

set_up() {  # .venv holds what the lock says; the marks are written last, so a killed set-up is done again
    local mark=.venv/requirements.lock kind_mark=.venv/torch-kind maker kind
    [ -z "$own" ] || return 0
    kind=$(torch_kind) || exit 2
    if cmp -s "$LOCK" "$mark"; then
        [ -n "${TORCH-}" ] && [ "$TORCH" != "$(cat $kind_mark 2>/dev/null || say gpu)" ] || return 0
    fi
    maker=$(find_python) || exit 2
    "$maker" -c 'import ensurepip, venv' 2>/dev/null || fail "this Python cannot make virtual environments (no ensurepip).
  what to do: install its venv package, on Debian and Ubuntu: sudo apt install python3.11-venv"
    [ -z "$lacking" ] || say "$lacking, so .venv is made beside it (to use it: docs/setup.md)"
    rm -f "$mark" "$kind_mark"
    "$maker" -m venv .venv || fail "the set-up of .venv did not finish (see above)."
    if [ "$kind" = cpu ]; then
        say "sets up .venv from $LOCK, without CUDA since there is no NVIDIA card (TORCH=gpu takes it): once"
        if ! install_for_cpu; then
            [ -z "${TORCH-}" ] || fail "torch without CUDA cannot be had here (see above).
  what to do: check the network, or TORCH=gpu ./run.sh takes the one with CUDA, about 6 GB of disk"
            say "torch without CUDA cannot be had here (see above): takes the one with CUDA"
            kind=gpu
        fi
    fi
    if [ "$kind" = gpu ]; then
        say "sets up .venv from $LOCK: about 6 GB of disk, 2 to 10 minutes, once"
        install --requirement "$LOCK" || fail "the set-up of .venv did not finish (see above).
  what to do: check disk and network, then run the same command again"
    fi
    say "$kind" >$kind_mark
    cp "$LOCK" "$mark"
}

set_up_browser() {  # the tests of the pages drive Chromium; where it cannot be had they are left out, and it is said
    local name as_root=""
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        ! command -v "$name" >/dev/null || return 0
    done
    [ "$(id -u)" = 0 ] || as_root="sudo -n"
    say "installs Chromium, which the tests of the pages drive"
    if command -v apt-get >/dev/null; then
        $as_root apt-get update -qq && $as_root apt-get install -qq --yes --no-install-recommends chromium && return
    fi >/dev/null 2>&1
    # without root the tests' own library fetches one into the home folder
    timeout 300 "$python" -m playwright install chromium >/dev/null 2>&1 && return
    say "Chromium cannot be had here: the tests of the pages are left out
  what to do: install it, on Debian: sudo apt install chromium"
}

set_up_cluster() {  # the engine has packages of its own, in .venv-cluster
    local lock=environment/requirements-cluster.lock mark=.venv-cluster/requirements.lock
    cmp -s "$lock" "$mark" && return
    say "sets up .venv-cluster from $lock: about 300 MB of disk, once"
    rm -f "$mark"
    "$python" -m venv .venv-cluster && .venv-cluster/bin/python -m pip install --quiet --disable-pip-version-check \
        --require-hashes --requirement "$lock" || fail "the set-up of .venv-cluster did not finish (see above).
  what to do: check disk and network, then run the same command again"
    cp "$lock" "$mark"
}

is_for_cards() {  # whether the profile that words name puts jobs in a queue and lets them ask for GPUs
    local profile=local file
    while [ $# -gt 0 ]; do
        case $1 in --profile) profile=${2-} ;; --profile=*) profile=${1#*=} ;; esac
        shift
    done
    for file in "cluster/$profile/config.yaml" "$profile/config.yaml"; do
        [ -f "$file" ] || continue
        grep -q '^executor:' "$file" && grep -Eiq '^[^#]*[ {]gpu: *(true|yes|on)' "$file"
        return
    done
    return 1
}

quoted() {  # words as a shell takes them
    local word line=""
    for word; do
        case $word in
            *[!A-Za-z0-9_./=:,@%+-]*|"") word=\'${word//\'/\'\\\'\'}\' ;;
        esac
        line+="${line:+ }$word"
    done
    say "$line"
}

call() {  # one script; --dry-run only prints it
    local script=$1
    shift
    if [ -n "$dry_run" ]; then quoted "$python" "code/$script" "$@"; return; fi
    "$python" "code/$script" "$@"
}

plan() {  # the calls of a part of the plan of a city, a line each: script, "city" where it takes one, variant, option
    local planner=$python
    if ! command -v "$planner" >/dev/null; then  # before the set-up: settings, and so variants, cannot be read yet
        case $1 in
            variants) say "(here come the variants of the run, known after the set-up)" >&2; return ;;
            left-out) return ;;
        esac
        planner=$(find_python) || exit 2
    fi
    "$planner" code/90_show_status.py --city "$2" --run "$3" --plan "$1" ${options[@]+"${options[@]}"}
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

run_of() {  # the run of a city: the one named, else demo for Demo and cities, default for all others; as in names.py
    if [ -n "$run" ]; then say "$run"; elif [ "$1" = Demo ] || [ "$1" = cities ]; then say demo; else say default; fi
}

worst=0
note() {  # the worst status seen; an interrupt ends everything, and so does a reader that went away (| head)
    case $1 in 130|141) exit "$1" ;; esac
    [ "$1" -le $worst ] || worst=$1
}

if [ "${1-}" = cluster ]; then
    shift
    choose_python
    case " $* " in
        *" --dry-run "*|*" --help "*) [ -x "$python" ] || { quoted "$python" code/98_start_cluster.py "$@"; exit; } ;;
        *)
            # the machines of a queue have cards, whether this one has or not
            [ -n "${TORCH-}" ] || ! is_for_cards "$@" || TORCH=gpu
            set_up && set_up_cluster ;;
    esac
    exec "$python" code/98_start_cluster.py "$@"
fi

cities=() options=() run="" results=results dry_run="" task=run tests="" parts="main variants compare show tell"
while [ $# -gt 0 ]; do
    case $1 in --run=*|--set=*|--data=*|--results=*|--workers=*|--device=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;; esac
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
        -h|--help) sed -n '2,17s/^# \{0,1\}//p' run.sh; exit ;;
        -*) fail "there is no option $1 (./run.sh --help)" ;;
        test|status|settings|export|check|new) task=$1 ;;
        quick|long) [ "$task" = test ] || fail "$1 goes with test: ./run.sh test $1"; tests=$1 ;;
        all) for name in $STUDY; do cities+=("$name"); done ;;
        cities) [ "$task" = run ] && task=cities || cities+=("$1") ;;
        *) [[ " ${cities[*]-} " == *" $1 "* ]] || cities+=("$1") ;;
    esac
    shift
done

if [ "$parts" = expect ] && [ "$task" != run ]; then
    fail "--expect says what the imagery of cities will take: ./run.sh Paris --expect"
fi
if [ "$task" = test ] && [ ${#cities[@]} -gt 0 ]; then
    fail "there are no tests '${cities[*]}': ./run.sh test, ./run.sh test quick or ./run.sh test long"
fi
case $task in
    cities) [ ${#cities[@]} -eq 0 ] || fail "./run.sh cities takes no city: it works on all at once. Leave out: ${cities[*]}" ;;
    settings) [ ${#cities[@]} -le 1 ] || fail "./run.sh settings shows those of one city, not of ${cities[*]}" ;;
    new) [ ${#cities[@]} -eq 1 ] || fail "./run.sh new takes the name of one city: ./run.sh new Poznan" ;;
    run|export|check) [ ${#cities[@]} -gt 0 ] || cities=(Demo) ;;
esac

choose_python
if [ "$task" != test ] && [ "$task" != new ]; then
    for city in "${cities[@]:-cities}"; do  # misspelt names are told before anything is set up; without cities, the run's
        plan names "$city" "$(run_of "$city")" || exit $?
    done
fi
[ -n "$dry_run" ] || set_up

case $task in
    test)
        case $tests in
            quick) marks="not slow and not long and not gpu and not browser" ;;
            long) marks="long and not gpu" ;;
            *) marks="not long and not gpu" ;;
        esac
        # three processes, of which one often waits, share the tests by file, in the order of tests/conftest.py
        command=("$python" -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "$marks" tests)
        if [ -n "$dry_run" ]; then quoted "${command[@]}"; exit; fi
        [ -n "$tests" ] || set_up_browser
        exec "${command[@]}" ;;
    settings)
        [ ${#cities[@]} -eq 0 ] || options+=(--city "${cities[0]}")
        call 95_show_settings.py --run "$(run_of "${cities[0]-}")" ${options[@]+"${options[@]}"}
        exit ;;
    new)
        call 89_new_city.py --city "${cities[0]}" ${options[@]+"${options[@]}"}
        exit ;;
    cities)
        run_city cities "$(run_of cities)"
        status=$?
        [ $status -ne 0 ] || [ -n "$dry_run" ] || say "open: $results/cities/$(run_of cities)/report.html"
        exit $status ;;
    status)
        if [ ${#cities[@]} -eq 0 ]; then  # every city and run that there is
            for folder in "$results"/*/*/samples.csv "$results"/cities/*/patches.parquet; do
                [ -e "$folder" ] || continue
                folder=${folder%/*}
                [ "${run:-${folder##*/}}" = "${folder##*/}" ] || continue
                city=${folder%/*}
                call 90_show_status.py --city "${city##*/}" --run "${folder##*/}" ${options[@]+"${options[@]}"} || exit $?
                cities+=("${city##*/}")
            done
            [ ${#cities[@]} -eq 0 ] || exit 0
            cities=(Demo)
        fi
        for city in "${cities[@]}"; do
            call 90_show_status.py --city "$city" --run "$(run_of "$city")" ${options[@]+"${options[@]}"}
            note $?
        done
        exit $worst ;;
    check)
        for city in "${cities[@]}"; do
            call 08_check_city.py --city "$city" --run "$(run_of "$city")" ${options[@]+"${options[@]}"}
            note $?
        done
        exit $worst ;;
    export)
        for city in "${cities[@]}"; do
            run_part export "$city" "$(run_of "$city")"
            note $?
        done
        exit $worst ;;
esac

with_land_cover=()
for city in "${cities[@]}"; do  # what only the user can put there comes before anything is fetched for any city
    run_part by-hand "$city" "$(run_of "$city")" && with_land_cover+=("$city")
    note $?
done
finished=()
for city in ${with_land_cover[@]+"${with_land_cover[@]}"}; do
    run_city "$city" "$(run_of "$city")" && finished+=("$city")
    note $?
done
[ "$parts" != expect ] || exit $worst
first=${finished[0]-}
if [ -n "$first" ] && { [ ${#finished[@]} -gt 1 ] || [ -n "$(plan left-out "$first" "$(run_of "$first")")" ]; }; then
    for city in "${finished[@]}"; do  # with several cities at hand: each one left out, and predicted by the others' models
        say "== $city among the cities at hand, run $(run_of "$city")"
        run_part left-out "$city" "$(run_of "$city")" && run_part compare "$city" "$(run_of "$city")"
        note $?
    done
    for city in "${finished[@]}"; do  # drawn last: the transfer matrix takes a line from every city
        say "== $city, run $(run_of "$city"), with all cities"
        run_part show "$city" "$(run_of "$city")" && run_part tell "$city" "$(run_of "$city")"
        note $?
    done
    [ -n "$dry_run" ] || say "open: $results/report.html, which compares them"
fi
exit $worst
