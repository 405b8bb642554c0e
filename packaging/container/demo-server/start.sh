#!/bin/sh
# Enrols this container as the server of the demo's school, with the console's own installer, and runs the agent.
set -eu
controller=http://controller:8080
invitation=/demo/invitation

echo 'This container is privileged: it makes sandboxes, displays and accounts of its own, and so it could do anything on'
echo 'this machine. It is for trying Préau only. A real school has a Debian server, which needs no container.'

# The parts of xrdp 0.9 meet on the IPv6 loopback, which the resolver refuses while no card has an IPv6 address. Engines
# switch IPv6 off on the card and leave it on on the loopback; a kernel without IPv6 has nothing to set.
for switch in /proc/sys/net/ipv6/conf/*/disable_ipv6; do
  [ ! -w "$switch" ] || echo 0 >"$switch"
done

# demo.ts writes the key in the first line and the one-use code in the second.
until [ -s "$invitation" ]; do sleep 1; done
# An address from an earlier start may be wrong by now.
rm -f /etc/preau/agent.env
sed -n 2p "$invitation" >/tmp/code
curl -fsS "$controller/agent/install.sh" | sh -s -- --controller "$controller" --key "$(sed -n 1p "$invitation")" \
  --code-file /tmp/code --rdp-host "$(hostname -i | cut -d' ' -f1)"
# shellcheck disable=SC2046 # one setting a line, without blanks
exec env $(cat /etc/preau/agent.env) /opt/preau-agent/node /opt/preau-agent/preau-agent-launcher.mjs run
