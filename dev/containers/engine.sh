#!/bin/bash
# A container engine inside a bare root (dev/bare-root.ts): control groups, then dockerd until the root is closed.
#
#   engine.sh GROUP     the control group that holds everything it starts
set -euo pipefail
group=$1
# As the machine has them: one tree (version 2), or one for each controller (version 1).
if [ "$(grep -c '^0::' /proc/self/cgroup)" = 1 ] && [ "$(wc -l </proc/self/cgroup)" = 1 ]; then
  mount -t cgroup2 none /sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 cgroups /sys/fs/cgroup
  grep -v '^0::' /proc/self/cgroup | cut -d: -f2 | while read -r controllers; do
    options=$controllers
    case $controllers in name=*) options=none,$controllers ;; esac
    mkdir "/sys/fs/cgroup/${controllers#name=}"
    mount -t cgroup -o "$options" cgroup "/sys/fs/cgroup/${controllers#name=}"
  done
fi
# The checkout is on the disk: overlays cannot lie on the root's own overlay.
mkdir -p .data/engine
exec dockerd --cgroup-parent="/$group" --exec-opt native.cgroupdriver=cgroupfs --data-root "$PWD/.data/engine" \
  --default-ulimit nofile=10000:10000
