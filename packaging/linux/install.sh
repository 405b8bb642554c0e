#!/bin/sh
# Makes this Debian machine an execution server of a school. As root, with the line the console shows:
#
#   install.sh --controller URL --key KEY --code CODE [--rdp-host ADDRESS] [--rdp-port PORT] [--proxy URL] [--untested]
#   install.sh --controller URL --check        looks, says in sentences what it found, and changes nothing
#   install.sh --remove                        leaves this machine as it was, except for people's folders
#
# `--code-file FILE` in place of `--code` keeps the code out of the list of processes. `--proxy http://user:password@proxy:3128`
# (or https_proxy in the environment, which is in no list of processes) is the way out that this school has.
#
# Everything is checked before anything is changed. Safe to repeat: an enrolled server keeps its identity and gets the
# controller's present agent.
set -eu

packages='xrdp xorgxrdp openbox bubblewrap x11-utils xauth dbus-daemon openssl librsvg2-bin fonts-dejavu-core adwaita-icon-theme breeze-icon-theme qttranslations5-l10n qt6-translations-l10n locales cups-daemon cups-filters cups-client cups-bsd'
oldest_node=22
# Not below /opt/preau: applications are unpacked there, each in a folder named after it.
folder=/opt/preau-agent
settings=/etc/preau/agent.env
# What this installation added to the machine.
record=/etc/preau/installed
identity=/var/lib/preau-agent/identity.json
authorities=/etc/ssl/certs/ca-certificates.crt

usage='Usage: install.sh --controller URL --key KEY (--code CODE | --code-file FILE) [--rdp-host ADDRESS] [--rdp-port PORT] [--proxy URL] [--untested]
       install.sh --controller URL --check [--proxy URL]
       install.sh --remove'

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

# The build writes these files in place of the next lines: a school downloads one script.
. "${0%/*}/installer/packages.sh"
. "${0%/*}/installer/preflight.sh"
. "${0%/*}/installer/agent.sh"
. "${0%/*}/installer/remove.sh"

read_options() {
  mode=install controller='' key='' enrolment_code='' code_file='' rdp_host='' rdp_port='' untested=no
  proxy=${https_proxy:-${HTTPS_PROXY:-${http_proxy:-${ALL_PROXY:-${all_proxy:-}}}}}
  while [ $# -gt 0 ]; do
    case $1 in
      --check) mode=check ;;
      --remove) mode=remove ;;
      --untested) untested=yes ;;
      --controller | --key | --code | --code-file | --rdp-host | --rdp-port | --proxy)
        [ $# -ge 2 ] || refuse "$usage"
        case $1 in
          --controller) controller=${2%/} ;;
          --key) key=$2 ;;
          --code) enrolment_code=$2 ;;
          --code-file) code_file=$2 ;;
          --rdp-host) rdp_host=$2 ;;
          --rdp-port) rdp_port=$2 ;;
          --proxy) proxy=$2 ;;
        esac
        shift
        ;;
      *) refuse "Unknown option $1. $usage" ;;
    esac
    shift
  done
}

check_options() {
  [ "$(id -u)" -eq 0 ] || refuse 'The agent installs applications and makes accounts: run this as root (for example: … | sudo sh -s -- …).'
  [ "$mode" != remove ] || return 0
  [ -n "$controller" ] || refuse "$usage"
  [ "$mode" = check ] || { [ -n "$key" ] && [ -n "$enrolment_code$code_file" ]; } || refuse "$usage"
  [ -z "$code_file" ] || [ -r "$code_file" ] || refuse "$code_file cannot be read."
  case $controller in http://* | https://*) ;; *) refuse "--controller is $controller: expected an address that starts with https:// or http://." ;; esac
  case $rdp_port in *[!0-9]*) refuse "--rdp-port is $rdp_port: expected a port number." ;; esac
  case $rdp_host in *[!0-9.]*) refuse "--rdp-host is $rdp_host: expected an IPv4 address of this machine." ;; esac
  case $proxy in
    '' | http://* | https://*) ;;
    *) refuse "The proxy is $(proxy_address): expected an address that starts with http:// or https://." ;;
  esac
  # What a shell, systemd or a URL would read in another way.
  case $proxy in *[\ \'\"\\\$\`\#]*) refuse 'The proxy'"'"'s address has a character that must be written as %20 (space), %27 (quote), %23 (#), %24 ($) and so on.' ;; esac
  # A name, or an address without the brackets that IPv6 has in URLs.
  city=${controller#*://}
  city=${city%%/*}
  case $city in
    \[*) city=${city#\[} city=${city%%\]*} ;;
    *) city=${city%%:*} ;;
  esac
  use_proxy
}

# For curl, wget and apt. The city itself may be excepted by no_proxy.
use_proxy() {
  [ -n "$proxy" ] || return 0
  https_proxy=$proxy http_proxy=$proxy no_proxy=${no_proxy:-${NO_PROXY:-localhost,127.0.0.1}}
  export https_proxy http_proxy no_proxy
}

# A function, so that the shell reads the whole script before it runs a line: a truncated download does nothing.
main() {
  read_options "$@"
  check_options
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' INT TERM HUP
  rdp_host_given=no
  [ -z "$rdp_host" ] || rdp_host_given=yes
  rdp_port=${rdp_port:-$(setting PREAU_AGENT_RDP_PORT)}
  rdp_port=${rdp_port:-3390}
  case $mode in
    check)
      preflight
      if [ "$refusals" -gt 0 ]; then
        printf '%s\n' "$refusals thing(s) would stop the installation. Nothing was changed."
        exit 1
      fi
      printf '%s\n' 'Nothing stands in the way. Nothing was changed.'
      ;;
    remove) remove_server ;;
    install) install_server ;;
  esac
}

install_server() {
  command -v curl >/dev/null 2>&1 || command -v wget >/dev/null 2>&1 || refuse 'Neither curl nor wget is installed: apt-get install curl'
  if [ -e "$identity" ]; then preflight_of_update; else preflight; fi
  [ "$refusals" -eq 0 ] || refuse "$refusals thing(s) stand in the way."
  node=$(node_to_use)
  [ "$node" != nodejs ] || packages="$packages nodejs"
  download_agent

  # --- Changes from here on.
  mkdir -p "${settings%/*}"
  chmod 755 "${settings%/*}"
  begin_record
  install_packages
  [ "$node" != nodejs ] || node=$(command -v node || true)
  node_is_recent "$node" || failed "Node $oldest_node is not there after the installation."
  make_french_locale
  end_record
  install_agent
  write_settings
  enrol
  start_agent
  say "displays answer on $(setting PREAU_AGENT_RDP_HOST):$(setting PREAU_AGENT_RDP_PORT); let only the city's guacd reach that port"
}

main "$@"
