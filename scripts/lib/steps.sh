# Read by scripts/install and scripts/uninstall: steps that are shown, can be only printed, and never fail in silence.
# shellcheck shell=sh

dry_run=""
step_number=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# brought has a line for each thing that was not on the machine before, so that it can be taken away again.
brought=/usr/local/share/speakerd/brought

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

say() { printf '      %s\n' "$*"; }

# step WORDS: begins a step.
step() {
    step_number=$((step_number + 1))
    # shellcheck disable=SC2154 # steps is how many the script has
    printf '[%d/%d] %s\n' "$step_number" "$steps" "$*"
}

# run COMMAND...: its output is shown only if it fails, which ends everything; with --dry-run it is only printed.
run() {
    if [ -n "$dry_run" ]; then
        printf '      + %s\n' "$*"
        return 0
    fi
    "$@" >"$log" 2>&1 || failed "$*"
}

failed() {
    tail -n 40 "$log" | sed 's/^/      | /' >&2
    die "This step failed: $1. What it said is above; mend it and run this again, which goes on where it stopped."
}

# write FILE MODE: makes the file of what it reads, in one piece or not at all.
write() {
    if [ -n "$dry_run" ]; then
        cat >/dev/null
        printf '      + write %s (mode %s)\n' "$1" "$2"
        return 0
    fi
    mkdir -p "$(dirname "$1")"
    (umask 077 && cat >"$1.new") || die "$1 cannot be written: check that its disk has free space."
    chmod "$2" "$1.new"
    mv -f "$1.new" "$1"
}

# bring KIND NAME: writes it down before it is made.
bring() {
    [ -z "$dry_run" ] || return 0
    mkdir -p "$(dirname "$brought")"
    grep -qx "$1 $2" "$brought" 2>/dev/null || printf '%s %s\n' "$1" "$2" >>"$brought"
}

# things KIND: the names of what was brought.
things() { sed -n "s/^$1 //p" "$brought" 2>/dev/null || true; }

is_installed() { dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

must_be_root() { [ -n "$dry_run" ] || [ "$(id -u)" -eq 0 ] || die "This needs root: run it again with sudo."; }

has_systemd() { [ -d /run/systemd/system ]; }
