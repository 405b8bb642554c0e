#!/bin/sh
# Makes this Debian machine an execution server of a school. As root, with the line the console shows:
#
#   install.sh --controller URL --key KEY --code CODE [--rdp-host ADDRESS] [--rdp-port PORT]
#
# `--code-file FILE` in place of `--code` keeps the code out of the list of processes.
#
# Everything is checked before anything is changed. Safe to repeat: an enrolled server keeps its identity and gets the
# controller's present agent.
set -eu

packages='xrdp xorgxrdp openbox bubblewrap x11-utils xauth dbus-daemon openssl librsvg2-bin fonts-dejavu-core adwaita-icon-theme locales cups-daemon cups-filters'
oldest_node=22
# Not below /opt/preau: applications are unpacked there, each in a folder named after it.
folder=/opt/preau-agent
settings=/etc/preau/agent.env
identity=/var/lib/preau-agent/identity.json

usage='Usage: install.sh --controller URL --key KEY (--code CODE | --code-file FILE) [--rdp-host ADDRESS] [--rdp-port PORT]'

refuse() {
  printf '%s\n' "$1" "Nothing was changed." >&2
  exit 1
}
# For failures after the first change: says where it stopped, and that running it again is safe.
failed() {
  printf '%s\n' "$1" "The installation is not complete. Correct this and run the same command again: it takes up where it stopped." >&2
  exit 1
}
say() { printf '• %s\n' "$1"; }

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]; }

node_is_recent() { [ -x "$1" ] && "$1" -e "process.exit(Number(process.versions.node.split('.')[0]) >= $oldest_node ? 0 : 1)" 2>/dev/null; }

download() {
  if command -v curl >/dev/null 2>&1; then curl -fsS --connect-timeout 10 --max-time 300 -o "$2" "$1"
  else wget -q -T 30 -O "$2" "$1"; fi
}

# A function, so that the shell reads the whole script before it runs a line: a truncated download does nothing.
main() {
  controller='' key='' code='' code_file='' rdp_host='' rdp_port=3390
  while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || refuse "$usage"
    case $1 in
      --controller) controller=${2%/} ;;
      --key) key=$2 ;;
      --code) code=$2 ;;
      --code-file) code_file=$2 ;;
      --rdp-host) rdp_host=$2 ;;
      --rdp-port) rdp_port=$2 ;;
      *) refuse "Unknown option $1. $usage" ;;
    esac
    shift 2
  done

  # --- Checks: nothing below this line and above the next changes the machine.
  [ -n "$controller" ] && [ -n "$key" ] && [ -n "$code$code_file" ] || refuse "$usage"
  [ -z "$code_file" ] || [ -r "$code_file" ] || refuse "$code_file cannot be read."
  case $controller in http://*|https://*) ;; *) refuse "--controller is $controller: expected an address that starts with https:// or http://." ;; esac
  case $rdp_port in ''|*[!0-9]*) refuse "--rdp-port is $rdp_port: expected a port number." ;; esac
  [ "$(id -u)" -eq 0 ] || refuse 'The agent installs applications and makes accounts: run this as root (for example: … | sudo sh -s -- …).'
  [ -r /etc/os-release ] || refuse 'This is not Debian: /etc/os-release is missing.'
  # shellcheck disable=SC1091
  system=$(. /etc/os-release && printf '%s %s' "${ID:-unknown}" "${VERSION_ID:-0}")
  case $system in
    'debian 1'[2-9]*|'debian '[2-9][0-9]*) ;;
    *) refuse "An execution server needs Debian 12 or newer; this is $system." ;;
  esac
  command -v curl >/dev/null 2>&1 || command -v wget >/dev/null 2>&1 || refuse 'Neither curl nor wget is installed: apt-get install curl'

  node=$(command -v node || true)
  if [ -z "$node" ] || ! node_is_recent "$node"; then
    found=none
    [ -z "$node" ] || found=$("$node" --version)
    offered=$(apt-cache policy nodejs 2>/dev/null | sed -n 's/^ *Candidate: *\([0-9][0-9]*:\)\{0,1\}\([0-9]*\).*/\2/p')
    if [ "${offered:-0}" -ge "$oldest_node" ]; then
      packages="$packages nodejs"
      node=''
    else
      refuse "The agent needs Node $oldest_node or newer; here it is: $found, and this machine's package sources offer ${offered:-none}.
Do one of these, then run the same command again:
  - unpack the Linux archive of Node 24 from nodejs.org into /usr/local:
      tar -xJf node-v24…-linux-x64.tar.xz -C /usr/local --strip-components=1
  - or add a package source of your city that offers nodejs $oldest_node or newer."
    fi
  fi

  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' INT TERM HUP
  for file in preau-agent.mjs preau-agent-launcher.mjs preau-agent.service; do
    download "$controller/agent/$file" "$work/$file" || refuse "$controller/agent/$file could not be downloaded. Is the address right, and does this machine reach the controller?"
    [ -s "$work/$file" ] || refuse "$controller/agent/$file is empty."
  done
  # A web page instead of a program means that a proxy or a filter answered.
  for file in preau-agent.mjs preau-agent-launcher.mjs; do
    if head -c 64 "$work/$file" | grep -qi '<!doctype\|<html'; then refuse "$controller/agent/$file is a web page, not the agent. Is a filter or a portal in between?"; fi
  done

  if [ -z "$rdp_host" ]; then
    # The city reaches this machine at the address that it uses towards the controller.
    name=$(printf '%s' "$controller" | sed 's,^[a-z]*://,,; s,[:/].*,,')
    address=$(getent ahostsv4 "$name" 2>/dev/null | awk 'NR == 1 { print $1 }')
    if [ -n "$address" ] && command -v ip >/dev/null 2>&1; then
      rdp_host=$(ip -4 route get "$address" 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p')
    fi
  fi
  [ -n "$rdp_host" ] || refuse 'This machine has no IPv4 address towards the controller that could be found: give it with --rdp-host ADDRESS.'

  # --- Changes from here on.
  missing=''
  had_xrdp=no had_cups=no
  is_installed xrdp && had_xrdp=yes
  is_installed cups-daemon && had_cups=yes
  for package in $packages; do is_installed "$package" || missing="$missing $package"; done
  if [ -n "$missing" ]; then
    say "Debian packages:$missing"
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    apt-get -q -o DPkg::Lock::Timeout=300 update >"$work/apt.log" 2>&1 || { tail -n 20 "$work/apt.log" >&2; failed 'apt-get update failed.'; }
    # shellcheck disable=SC2086 # a list of package names
    apt-get -y -q -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold install --no-install-recommends $missing >"$work/apt.log" 2>&1 || { tail -n 20 "$work/apt.log" >&2; failed 'apt-get install failed.'; }
  fi
  # The agent runs an xrdp of its own. The package's service, which anyone could sign in to, is disabled unless it was
  # installed before.
  if [ "$had_xrdp" = no ] && command -v systemctl >/dev/null 2>&1; then systemctl disable --now xrdp.service xrdp-sesman.service >/dev/null 2>&1 || true; fi
  # Sessions that may print run a CUPS of their own.
  if [ "$had_cups" = no ] && command -v systemctl >/dev/null 2>&1; then systemctl disable --now cups.service cups.socket cups.path >/dev/null 2>&1 || true; fi

  [ -n "$node" ] || node=$(command -v node || true)
  node_is_recent "$node" || failed "Node $oldest_node is not there after the installation."
  locale -a 2>/dev/null | grep -qi '^fr_FR\.utf-\{0,1\}8$' || localedef -i fr_FR -f UTF-8 fr_FR.UTF-8 || failed 'The French locale could not be made.'

  say "agent into $folder"
  mkdir -p "$folder" "${settings%/*}"
  chmod 755 "$folder" "${settings%/*}"
  for file in preau-agent.mjs preau-agent-launcher.mjs; do
    cp "$work/$file" "$folder/$file.new"
    chmod 644 "$folder/$file.new"
    mv "$folder/$file.new" "$folder/$file"
  done
  # Runs the agent offered now instead of one from an earlier rollout.
  rm -f "${identity%/*}/agent/current" "${identity%/*}/agent/trial"
  ln -sfn "$(readlink -f "$node")" "$folder/node"
  if [ ! -e "$settings" ]; then
    printf 'PREAU_AGENT_RDP_HOST=%s\nPREAU_AGENT_RDP_PORT=%s\n' "$rdp_host" "$rdp_port" >"$settings"
    chmod 644 "$settings"
  fi

  if [ -e "$identity" ]; then
    say 'enrolled already: the identity is kept'
  else
    say "enrolment with $controller"
    if [ -z "$code_file" ]; then
      code_file=$work/code
      (umask 077 && printf '%s\n' "$code" >"$code_file")
    fi
    "$folder/node" "$folder/preau-agent.mjs" enrol --controller "$controller" --key="$key" --code-file "$code_file" || failed 'The controller did not enrol this server. Codes work once and for 30 minutes: make a new one in the console.'
  fi

  if [ -d /run/systemd/system ]; then
    cp "$work/preau-agent.service" /etc/systemd/system/preau-agent.service
    chmod 644 /etc/systemd/system/preau-agent.service
    systemctl daemon-reload
    systemctl enable --quiet preau-agent.service || failed 'The service could not be enabled.'
    if systemctl is-active --quiet preau-agent.service; then
      # Kill rather than stop: a stop would end the running sessions, while they outlive a killed agent; systemd starts
      # the new one.
      systemctl kill --kill-who=main --signal=KILL preau-agent.service || failed 'The agent could not be replaced: systemctl status preau-agent'
    else
      systemctl start preau-agent.service || failed 'The service did not start: journalctl -u preau-agent'
    fi
    say 'the agent runs: systemctl status preau-agent'
  else
    say "there is no systemd here. Start the agent yourself, and after every boot:
    env \$(cat $settings) $folder/node $folder/preau-agent-launcher.mjs run"
  fi
  say "displays answer on $(sed -n 's/^PREAU_AGENT_RDP_HOST=//p' "$settings"):$(sed -n 's/^PREAU_AGENT_RDP_PORT=//p' "$settings"); let only the city's guacd reach that port"
}

main "$@"
