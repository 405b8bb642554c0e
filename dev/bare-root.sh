#!/bin/bash
# The first process of a bare Debian: mounts its root from a shared base and a layer of its own, moves into it, and says
# "up". It ends when its input closes; the kernel then ends everything in the root, because this is the first process of
# its namespace.
#
#   bare-root.sh BASE FOLDER MIB DEBS NPM
#
# FOLDER/seed: its initial files. MIB: memory for the layer; 0: the layer is on the disk. DEBS, NPM: the download caches
# of apt and npm.
set -eu
base=$1 folder=$2 mib=$3 debs=$4 npm=$5
mount --make-rprivate /
mkdir "$folder/layer"
[ "$mib" = 0 ] || mount -t tmpfs -o "size=${mib}m" preau-layer "$folder/layer"
cd "$folder/layer"
mkdir upper work root checkout cache
# The root need not survive a power cut, so writes do not wait for the disk.
mount -t overlay preau-bare -o "lowerdir=$base,upperdir=upper,workdir=work,volatile" root
cd root
# A lab in the checkout mounts overlays of its own, which the kernel refuses on another overlay's upper layer.
mkdir -p root/preau
mount --bind "$folder/layer/checkout" root/preau
# Nor does the kernel say of a program in a machine of the tests, whose root would be an overlay on this one, that a
# file it maps was deleted.
mkdir -p var/cache/preau-test
mount --bind "$folder/layer/cache" var/cache/preau-test
cp -r "$folder/seed/." .
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup
# With the options Debian uses on a real machine.
mount -t tmpfs -o mode=755,nosuid,nodev,noexec run run
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=755 dev dev
mkdir dev/pts dev/shm run/old run/lock
chmod 1777 run/lock
for device in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
  IFS=: read -r file major minor <<< "$device"
  mknod -m 666 "dev/$file" c "$major" "$minor"
done
[ ! -e /dev/net/tun ] || { mkdir dev/net; mknod -m 666 dev/net/tun c 10 200; }
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
ln -s pts/ptmx dev/ptmx
for link in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do ln -s "/proc/self/${link#*:}" "dev/${link%%:*}"; done
mkdir -p root/.npm var/cache/apt/archives
mount --bind "$debs" var/cache/apt/archives
mount --bind "$npm" root/.npm
pivot_root . run/old
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
exec chroot . /bin/bash -c '
  cd /
  umount -l /run/old && rmdir /run/old
  echo up
  while read -r line; do :; done
'
