# Installing Debian packages with patience, and writing down what came with them, for `--remove`.

# How long another apt is waited for, in seconds.
patience=900

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]; }
candidate() { LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *\([0-9][0-9]*:\)\{0,1\}\([^(].*\)/\2/p'; }
is_offered() { [ -n "$(candidate "$1")" ]; }

# Runs apt-get; its words are in $work/apt.log. apt's own waiting covers only one of its three locks, and is silent.
apt_get() {
  waited=0
  while :; do
    code=0
    LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -y -q -o Dpkg::Use-Pty=0 -o APT::Status-Fd=3 \
      -o Dpkg::Options::=--force-confold "$@" >"$work/apt.log" 2>&1 3>"$work/apt.status" </dev/null || code=$?
    [ "$code" -ne 0 ] || return 0
    grep -q 'Could not get lock\|Unable to lock' "$work/apt.log" && [ "$waited" -lt "$patience" ] || return "$code"
    holder=$(sed -n 's/.*It is held by process \([0-9]*\) (\([^)]*\)).*/\2, process \1/p' "$work/apt.log" | head -n 1)
    [ $((waited % 30)) -ne 0 ] || say "packages are being changed by ${holder:-another program}: waiting for it (since $waited s, at most $((patience / 60)) minutes)"
    sleep 5
    waited=$((waited + 5))
  done
}

# Prints every few seconds how far apt is, until it is ended.
show_progress() {
  last=''
  while sleep 4 >/dev/null 2>&1; do
    all=$(sed -n 's/^[0-9]* upgraded, \([0-9]*\) newly installed.*/\1/p' "$work/apt.log" 2>/dev/null | tail -n 1)
    installed=$(grep -c '^pmstatus:.*:Installed ' "$work/apt.status" 2>/dev/null || true)
    fetched=$(sed -n 's/^dlstatus:.*Retrieving file \([0-9]* of [0-9]*\).*/\1/p' "$work/apt.status" 2>/dev/null | tail -n 1)
    unpacked=$(grep -c '^pmstatus:.*:Preparing to configure ' "$work/apt.status" 2>/dev/null || true)
    now=''
    if [ "${installed:-0}" -gt 0 ]; then now="package $installed of ${all:-?} installed"
    elif [ "${unpacked:-0}" -gt 0 ]; then now="package $unpacked of ${all:-?} unpacked"
    elif [ -n "$fetched" ]; then now="file $fetched downloaded"; fi
    [ "$now" = "$last" ] || printf '  %s\n' "$now"
    last=$now
  done
}

# Units that the packages would start for everybody on the network: masked before, unless they were there before.
units_of_xrdp='xrdp.service xrdp-sesman.service'
units_of_cups='cups.service cups.socket cups.path cups-lpd.socket'
mask_units() {
  [ -d /run/systemd/system ] || return 0
  # shellcheck disable=SC2086 # a list of names
  systemctl mask --quiet "$@" >/dev/null 2>&1 || failed "These services could not be masked: $*"
  for unit in "$@"; do remember "mask $unit"; done
  # An installation by an earlier version left them failed.
  systemctl reset-failed "$@" >/dev/null 2>&1 || true
}

# What was installed by us, one thing a line: `package NAME`, `user NAME`, `group NAME`, `mask UNIT`, `locale NAME`.
remember() { grep -qxF "$1" "$record" 2>/dev/null || printf '%s\n' "$1" >>"$record"; }
recorded() { sed -n "s/^$1 //p" "$record" 2>/dev/null || true; }

list_packages() { dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' | sed -n 's/^ii. *//p' | sort -u; }
list_users() { cut -d : -f 1 /etc/passwd | sort; }
list_groups() { cut -d : -f 1 /etc/group | sort; }

# The state before the first change. An installation that was interrupted keeps the first one.
begin_record() {
  mkdir -p "$record.before"
  for kind in packages users groups; do
    [ -e "$record.before/$kind" ] || "list_$kind" >"$record.before/$kind"
  done
}
end_record() {
  for kind in packages users groups; do
    "list_$kind" | comm -13 "$record.before/$kind" - | while read -r name; do remember "${kind%s} $name"; done
  done
  [ -e "$record.kept" ] || cp "$record.before/packages" "$record.kept"
  # What somebody installs from now on is theirs: an update of ours reads the state anew.
  rm -rf "$record.before"
}

install_packages() {
  missing=''
  for package in $packages; do is_installed "$package" || missing="$missing $package"; done
  [ -n "$missing" ] || return 0
  say "Debian packages:$missing"
  # shellcheck disable=SC2086 # lists of names
  is_installed xrdp || mask_units $units_of_xrdp
  # shellcheck disable=SC2086
  is_installed cups-daemon || mask_units $units_of_cups
  apt_get update || apt_failed 'apt-get update failed'
  show_progress &
  progress=$!
  code=0
  # shellcheck disable=SC2086
  apt_get install --no-install-recommends $missing || code=$?
  kill "$progress" 2>/dev/null || true
  [ "$code" -eq 0 ] || apt_failed 'apt-get install failed'
}
apt_failed() {
  tail -n 20 "$work/apt.log" >&2
  if grep -q 'Could not get lock' "$work/apt.log"; then failed "$1: packages were being changed by another program for more than $((patience / 60)) minutes."; fi
  if grep -q '407  *Proxy Authentication' "$work/apt.log"; then failed "$1: the proxy $(proxy_address) refuses the user or the password."; fi
  failed "$1."
}

make_french_locale() {
  ! locale -a 2>/dev/null | grep -qi '^fr_FR\.utf-\{0,1\}8$' || return 0
  localedef -i fr_FR -f UTF-8 fr_FR.UTF-8 || failed 'The French locale could not be made.'
  remember 'locale fr_FR.utf8'
}
