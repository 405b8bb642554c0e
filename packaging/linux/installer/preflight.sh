# The checks before a server is made of this machine. Each is a function that prints one sentence per finding by `good`,
# `doubt` (works, or works badly) or `refusal` (would not work), and changes nothing.

good() { [ "$mode" != check ] || printf '✓ %s\n' "$1"; }
doubt() { printf '! %s\n' "$1"; }
refusal() {
  printf '✗ %s\n' "$1"
  refusals=$((refusals + 1))
}

# Runs every check; with `--check` all findings are told, before an installation only doubts and refusals.
preflight() {
  refusals=0
  check_debian
  check_processor
  check_memory
  check_disk
  check_node
  check_names
  if check_line; then
    check_clock
    check_websocket
  fi
  check_packages
  check_port
  check_addresses
}

# A server that works must not be kept from its new agent by a full disk or a mirror that is away.
preflight_of_update() {
  refusals=0
  check_debian
  check_node
  check_addresses
}

# What Préau needs of a Debian that no test has met: one line per need that is not offered here.
missing_here() {
  if command -v apt-cache >/dev/null 2>&1; then
    absent=''
    for package in $packages; do is_offered "$package" || absent="$absent $package"; done
    [ -z "$absent" ] || printf '  - packages that are not offered here:%s\n' "$absent"
    case $(candidate xrdp) in
      '') ;;
      0.9.* | 0.10.*) ;;
      *) printf '  - xrdp 0.9 or 0.10; here it is %s, whose display server Préau does not know\n' "$(candidate xrdp)" ;;
    esac
  else
    printf '  - apt, with which everything is installed\n'
  fi
  [ -d /run/systemd/system ] || printf '  - systemd, which starts the agent and limits each session\n'
  node_to_use >/dev/null || printf '  - Node %s or newer\n' "$oldest_node"
}

check_debian() {
  system=unknown
  # shellcheck disable=SC1091
  [ ! -r /etc/os-release ] || system=$(. /etc/os-release && printf '%s %s' "${ID:-unknown}" "${VERSION_ID:-0}")
  case $system in
    'debian 12' | 'debian 13') good "system: $system" ;;
    *)
      missing=$(missing_here)
      [ -n "$missing" ] || missing='  - nothing that could be seen from here'
      if [ "$untested" = yes ]; then
        doubt "system: $system, on which Préau was never tested. What is missing:
$missing"
      else
        refusal "system: an execution server needs Debian 12 or 13; this is $system, on which Préau was never tested. What would be missing:
$missing
  With --untested it is tried all the same, without any promise."
      fi
      ;;
  esac
}

check_processor() {
  architecture=$(dpkg --print-architecture 2>/dev/null || uname -m)
  cores=$(nproc 2>/dev/null || echo 1)
  case $architecture in
    amd64) good "processor: $architecture, $cores cores" ;;
    *) doubt "processor: $architecture; Préau was tested on amd64 only, and some programs of the catalogue exist for amd64 only" ;;
  esac
  [ "$cores" -ge 2 ] || doubt 'processor: one core; several people at once will wait for one another'
}

check_memory() {
  megabytes=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
  if [ "$megabytes" -lt 900 ]; then refusal "memory: $megabytes MB; a server needs at least 1 GB, and about 300 MB more for each person"
  elif [ "$megabytes" -lt 3500 ]; then doubt "memory: $megabytes MB; enough for a few people at once (about 300 MB each)"
  else good "memory: $megabytes MB"; fi
}

# Free megabytes at a path, or at the nearest folder above it that exists.
free_at() {
  path=$1
  while [ ! -e "$path" ]; do path=$(dirname "$path"); done
  df -Pk "$path" | awk 'NR == 2 { print int($4 / 1024) }'
}

# NEED in MB for what is written there, WISH for a year of use.
check_disk() {
  while read -r path need wish what; do
    free=$(free_at "$path")
    if [ "$free" -lt "$need" ]; then refusal "disk: $free MB free in $path; $what needs $need MB"
    elif [ "$free" -lt "$wish" ]; then doubt "disk: $free MB free in $path; $what will want more ($wish MB)"
    else good "disk: $free MB free in $path"; fi
  done <<END
/ 800 4000 what is installed
/var/cache 400 2000 the download of packages
/var/lib 800 10000 people's folders
END
}

check_node() {
  if ! node=$(node_to_use); then
    refusal "Node: $(node_advice)"
  elif [ "$node" = nodejs ]; then good "Node: this machine's package sources offer $(candidate nodejs)"
  else good "Node: $("$node" --version) ($node)"; fi
}

# Through a proxy, the proxy finds the name.
check_names() {
  [ -z "$proxy" ] || return 0
  began=$(milliseconds)
  found=$(timeout 40 getent ahosts "$city" | awk 'NR == 1 { print $1 }')
  took=$(($(milliseconds) - began))
  if [ -z "$found" ]; then refusal "names: $city is not found (asked for $((took / 1000)) s). Check the address, then /etc/resolv.conf: $(resolvers)"
  elif [ "$took" -gt 2000 ]; then doubt "names: finding $city took $((took / 1000)) s; the name server is slow or the first one does not answer: $(resolvers)"
  else good "names: $city is $found"; fi
}
milliseconds() { date +%s%3N; }
resolvers() { sed -n 's/^nameserver *//p' /etc/resolv.conf 2>/dev/null | tr '\n' ' '; }

# Asks the city once; succeeds when it answered. Leaves its answer's headers in $work/headers.
check_line() {
  if ! command -v curl >/dev/null 2>&1; then
    doubt 'line: curl is not installed, so the line was not tried: apt-get install curl'
    return 1
  fi
  code=0
  told=$(curl -sS -o /dev/null -D "$work/headers" --connect-timeout 20 --max-time 60 \
    -w '%{http_code} %{http_connect} %{time_namelookup} %{time_connect} %{time_starttransfer}' "$controller/api/health/live" 2>"$work/trouble") || code=$?
  status=${told%% *}
  through=$(printf '%s' "$told" | cut -d ' ' -f 2)
  [ -z "$proxy" ] || way=" through the proxy $(proxy_address)"
  if [ "$code" -eq 0 ]; then
    # The time of an answer, without that of finding the name.
    latency=$(printf '%s' "$told" | awk '{ print int(($5 - $3) * 1000) }')
    case $status in
      200) good "line: $controller answers${way:-} in $latency ms" ;;
      *) doubt "line: $controller answers${way:-}, with status $status: is the city well?" ;;
    esac
    [ "$latency" -lt 1500 ] || doubt "line: the answer took $latency ms; the line is slow or busy"
    return 0
  fi
  refusal "line: $(line_trouble)"
  return 1
}

# A sentence about what curl met: `code`, `through` (the proxy's status) and its own words.
line_trouble() {
  words=$(sed 's/^curl: ([0-9]*) //' "$work/trouble" | tail -n 1)
  case $code in
    5) printf 'the proxy %s is not found: check its name' "$(proxy_address)" ;;
    6) printf '%s is not found: check the address, then /etc/resolv.conf' "$city" ;;
    7 | 28 | 97)
      if [ -n "$proxy" ]; then printf 'the proxy %s does not answer, or reaches nothing (%s)' "$(proxy_address)" "$words"
      else printf '%s does not answer (%s). If this school has a proxy, give it: --proxy http://user:password@proxy:3128' "$city" "$words"; fi
      ;;
    35 | 51 | 58 | 60 | 77 | 83)
      printf 'the certificate is not the city'"'"'s: it was signed by %s. Something in between reads the connection: exempt %s there, or add its authority to this machine (/usr/local/share/ca-certificates, then update-ca-certificates)' "$(issuer)" "$city"
      ;;
    *)
      case $through in
        407) printf 'the proxy %s refuses the user or the password. Write special characters as %%40 (@), %%3A (:) and so on' "$(proxy_address)" ;;
        000) printf '%s' "$words" ;;
        *) printf 'the proxy %s answers %s and lets nothing through to %s: have this address allowed there' "$(proxy_address)" "$through" "$city" ;;
      esac
      ;;
  esac
}
proxy_address() { printf '%s' "$proxy" | sed 's,^[a-z]*://,,; s,.*@,,; s,/*$,,'; }
issuer() {
  seen=$(curl -skv -o /dev/null --head --max-time 20 "$controller" 2>&1 | sed -n 's/^\* *issuer: *//p' | tail -n 1)
  printf '%s' "${seen:-somebody unknown here}"
}

check_clock() {
  told=$(sed -n 's/^[Dd]ate: *//p' "$work/headers" | tr -d '\r' | tail -n 1)
  [ -n "$told" ] || return 0
  skew=$(($(date +%s) - $(date -d "$told" +%s)))
  distance=${skew#-}
  if [ "$distance" -gt 300 ]; then refusal "clock: $distance s away from the city's, which refuses more than 300 s. Set it: timedatectl set-ntp true"
  elif [ "$distance" -gt 60 ]; then doubt "clock: $distance s away from the city's. Set it: timedatectl set-ntp true"
  else good "clock: $distance s away from the city's"; fi
}

# The link over which the city wakes this server. curl waits for more bytes until its time is over, hence the short one.
check_websocket() {
  first=$(curl -sS -i -N --http1.1 --max-time 5 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
    -H 'Sec-WebSocket-Key: cHJlYXUtcHJlLWZsaWdodA==' "$controller/api/hub/?EIO=4&transport=websocket" 2>/dev/null |
    tr -d '\000\r' | grep -a '^HTTP/' | tail -n 1) || true
  case $first in
    *' 101 '* | *' 101') good 'WebSocket: passes' ;;
    *) doubt "WebSocket: does not pass (${first:-no answer}); programs would open up to 20 s late. Have WebSockets to $city allowed in the proxy or filter" ;;
  esac
}

# apt's lists may be old or empty: reading them anew would change the machine.
check_packages() {
  command -v apt-get >/dev/null 2>&1 || return 0
  missing=''
  for package in $packages; do is_installed "$package" || is_offered "$package" || missing="$missing $package"; done
  # shellcheck disable=SC2016 # apt's own sign
  site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep -m 1 '^http' || true)
  if [ -z "$site" ]; then doubt 'packages: no package source on the network is configured (/etc/apt/sources.list)'
  elif ! command -v curl >/dev/null 2>&1; then :
  elif curl -sS -o /dev/null --head --connect-timeout 20 --max-time 40 "$site" 2>"$work/trouble"; then good "packages: $site answers"
  else refusal "packages: $site does not answer ($(sed 's/^curl: ([0-9]*) //' "$work/trouble" | tail -n 1))"; fi
  [ -z "$missing" ] || doubt "packages: not in this machine's lists, which are read anew during the installation:$missing"
}

# `inode address` of whatever listens on a TCP port, from the kernel's own table.
listeners() {
  awk -v port="$(printf '%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 3) == port { print $10 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}
check_port() {
  inode=$(listeners "$rdp_port" | head -n 1)
  if [ -z "$inode" ]; then
    good "port $rdp_port: free, for displays"
    return
  fi
  process=$(find /proc/[0-9]*/fd -lname "socket:\[$inode\]" 2>/dev/null | sed -n '1s,^/proc/\([0-9]*\)/.*,\1,p')
  holder=$(tr '\000' ' ' <"/proc/${process:-none}/cmdline" 2>/dev/null || true)
  if [ -e "$identity" ]; then good "port $rdp_port: held by this server's own displays (${holder:-unknown})"
  else refusal "port $rdp_port: held by ${holder:-an unknown program}(process ${process:-unknown}). End it, or choose another one with --rdp-port"; fi
}

check_addresses() {
  if [ -n "$rdp_host" ] || find_rdp_host; then good "address: guacd will reach displays at $rdp_host"
  else refusal "address: no IPv4 address towards the city was found; give it with --rdp-host ADDRESS. This machine has: $(hostname -I 2>/dev/null || true)"; fi
  if grep -q . /proc/net/if_inet6 2>/dev/null; then good 'IPv6: on'; else good 'IPv6: off, which is fine'; fi
}
