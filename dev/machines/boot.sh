#!/bin/bash
# A server that boots as a real one does: its root is a shared base with a layer of its own, its first process is Debian's
# systemd, under systemd-nspawn. This script is the first process of a pid namespace and has a mount namespace of its
# own: when its input closes it ends, and the kernel ends everything in the server.
#
#   boot.sh BASE FOLDER NETWORK GROUP NODE
#
# FOLDER/seed: files for the root, copied before each boot. NETWORK: a network namespace. GROUP: the name of a control
# group. NODE: a program to be bound at /usr/local/bin/node, or nothing.
set -eu
base=$1 folder=$2 network=$3 group=/sys/fs/cgroup/$4 node=$5
exec 3<&0 </dev/null
mount --make-rprivate /
mount -t proc proc /proc
mkdir -p "$folder/upper" "$folder/work" "$folder/root"
cd "$folder"
if ! mount -t overlay machine -o "lowerdir=$base,upperdir=upper,workdir=work" root 2>/dev/null; then
  # The kernel refuses a layer that is itself on an overlay.
  [ -e copied ] || { cp -a "$base/." root/ && : >copied; }
  mount --bind root root
fi
cp -r seed/. root/
# Debian's servers have the one hierarchy of control groups, whatever this host mounts.
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p "$group"
echo 0 >"$group/cgroup.procs"
# nspawn keeps locks and sockets there, by the name of the machine.
mkdir -p /run/systemd
mount -t tmpfs -o mode=755 machine /run/systemd

options=()
[ -z "$node" ] || options+=("--bind-ro=$node:/usr/local/bin/node")
export UNIFIED_CGROUP_HIERARCHY=1
# /tmp is on the disk in Debian 12; Debian 13 mounts it itself.
export SYSTEMD_NSPAWN_TMPFS_TMP=0
{ cat <&3 >/dev/null; kill -KILL -1; } &
code=133
# With --keep-unit, nspawn may end at a reboot and leave the next start to its caller.
while [ "$code" = 133 ]; do
  code=0
  systemd-nspawn --quiet --boot --register=no --keep-unit --settings=no --directory=root --machine="$network" \
    --network-namespace-path="/run/netns/$network" --resolv-conf=off --timezone=off --link-journal=no --console=pipe \
    "${options[@]}" 3<&- &
  wait $! || code=$?
done
echo "systemd-nspawn ended with $code"
exit "$code"
