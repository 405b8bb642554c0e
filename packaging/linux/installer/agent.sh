# The agent itself: its Node, its files, its settings, its identity, its service.

node_is_recent() { [ -x "$1" ] && "$1" -e "process.exit(Number(process.versions.node.split('.')[0]) >= $oldest_node ? 0 : 1)" 2>/dev/null; }

# Prints the path of a Node that is recent enough, or `nodejs` when Debian's package of that name is; else fails.
node_to_use() {
  found=$(command -v node || true)
  if [ -n "$found" ] && node_is_recent "$found"; then
    printf '%s' "$found"
    return 0
  fi
  offered=$(candidate nodejs | sed 's/[^0-9].*//')
  [ "${offered:-0}" -ge "$oldest_node" ] || return 1
  printf nodejs
}
node_advice() {
  here=$(command -v node >/dev/null 2>&1 && node --version || echo none)
  printf '%s' "the agent needs Node $oldest_node or newer; here it is: $here, and this machine's package sources offer $(candidate nodejs | grep . || echo none).
  Do one of these, then run the same command again:
  - unpack the Linux archive of Node 24 from nodejs.org into /usr/local:
      tar -xJf node-v24…-linux-x64.tar.xz -C /usr/local --strip-components=1
  - or add a package source of your city that offers nodejs $oldest_node or newer."
}

download() {
  if command -v curl >/dev/null 2>&1; then curl -fsS --connect-timeout 20 --max-time 300 -o "$2" "$1"
  else wget -q -T 30 -O "$2" "$1"; fi
}

download_agent() {
  for file in preau-agent.mjs preau-agent-launcher.mjs preau-agent.service; do
    download "$controller/agent/$file" "$work/$file" || refuse "$controller/agent/$file could not be downloaded. Is the address right, and does this machine reach the controller?"
    [ -s "$work/$file" ] || refuse "$controller/agent/$file is empty."
  done
  # A web page instead of a program means that a proxy or a filter answered.
  for program in preau-agent.mjs preau-agent-launcher.mjs; do
    if head -c 64 "$work/$program" | grep -qi '<!doctype\|<html'; then refuse "$controller/agent/$program is a web page, not the agent. Is a filter or a portal in between?"; fi
  done
}

# The city reaches this machine at the IPv4 address that it uses towards the city, or towards the proxy, or at its only one.
find_rdp_host() {
  for target in "$city" "$(proxy_address | sed 's/:[0-9]*$//')"; do
    if [ -z "$target" ] || ! command -v ip >/dev/null 2>&1; then continue; fi
    address=$(timeout 40 getent ahostsv4 "$target" 2>/dev/null | awk 'NR == 1 { print $1 }')
    [ -n "$address" ] || continue
    rdp_host=$(ip -4 route get "$address" 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p')
    [ -z "$rdp_host" ] || return 0
  done
  only=$(hostname -I 2>/dev/null | tr ' ' '\n' | grep -E '^[0-9]+(\.[0-9]+){3}$' || true)
  [ "$(printf '%s\n' "$only" | grep -c .)" -eq 1 ] || return 1
  rdp_host=$only
}

install_agent() {
  say "agent into $folder"
  mkdir -p "$folder"
  chmod 755 "$folder"
  for program in preau-agent.mjs preau-agent-launcher.mjs; do
    cp "$work/$program" "$folder/$program.new"
    chmod 644 "$folder/$program.new"
    mv "$folder/$program.new" "$folder/$program"
  done
  # Runs the agent offered now instead of one from an earlier rollout.
  rm -f "${identity%/*}/agent/current" "${identity%/*}/agent/trial"
  ln -sfn "$(readlink -f "$node")" "$folder/node"
}

setting() { sed -n "s/^$1=//p" "$settings" 2>/dev/null || true; }
# Root alone reads the settings: the proxy's password is in them.
set_setting() {
  (umask 077 && { grep -v "^$1=" "$settings" 2>/dev/null || true; printf '%s=%s\n' "$1" "$2"; } >"$settings.new")
  chmod 600 "$settings.new"
  mv "$settings.new" "$settings"
}
write_settings() {
  if [ "$rdp_host_given" = yes ] || [ -z "$(setting PREAU_AGENT_RDP_HOST)" ]; then set_setting PREAU_AGENT_RDP_HOST "$rdp_host"; fi
  set_setting PREAU_AGENT_RDP_PORT "$rdp_port"
  # The agent trusts whom this machine trusts: Node knows only the authorities of its own makers.
  [ ! -r "$authorities" ] || set_setting NODE_EXTRA_CA_CERTS "$authorities"
  [ -n "$proxy" ] || return 0
  say "the agent reaches the city through the proxy $(proxy_address)"
  for name in https_proxy http_proxy; do set_setting "$name" "$proxy"; done
  set_setting no_proxy "$no_proxy"
}

enrol() {
  if [ -e "$identity" ]; then
    say 'enrolled already: the identity is kept'
    return
  fi
  say "enrolment with $controller"
  if [ -z "$code_file" ]; then
    code_file=$work/code
    (umask 077 && printf '%s\n' "$enrolment_code" >"$code_file")
  fi
  # shellcheck disable=SC1090
  (
    set -a
    . "$settings"
    exec "$folder/node" "$folder/preau-agent.mjs" enrol --controller "$controller" --key="$key" --code-file "$code_file"
  ) || failed 'The controller did not enrol this server. Codes work once and for 30 minutes: make a new one in the console.'
}

start_agent() {
  if [ ! -d /run/systemd/system ]; then
    say "there is no systemd here. Start the agent yourself, and after every boot:
    (set -a; . $settings; exec $folder/node $folder/preau-agent-launcher.mjs run)"
    return
  fi
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
}
