#!/bin/bash
# The first process of a school's server: mounts its root from the shared base and its own layer, moves into it, and then
# runs each line it receives in the background. It ends when its input closes; the kernel then ends everything in the
# server, because this is the first process of its namespace.
#
#   boot.sh BASE DISK MIB SEED NODE AGENT HOSTNAME        (MIB 0: the layer is on the machine's own disk)
set -eu
base=$1 disk=$2 mib=$3 seed=$4 node=$5 agent=$6 name=$7
read -r own _ < /proc/self/stat
mount --make-rprivate /
hostname "$name"
mkdir -p "$disk"
[ "$mib" = 0 ] || mount -t tmpfs -o "size=${mib}m" preau-disk "$disk"
mkdir -p "$disk/upper" "$disk/work" "$disk/root"
mount -t overlay preau-root -o "lowerdir=$base,upperdir=$disk/upper,workdir=$disk/work" "$disk/root"
cd "$disk/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=755 dev dev
mkdir dev/pts dev/shm run/old run/lock run/sshd
chmod 1777 run/lock
for device in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
  IFS=: read -r file major minor <<< "$device"
  mknod -m 666 "dev/$file" c "$major" "$minor"
done
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
ln -s pts/ptmx dev/ptmx
for link in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do ln -s "/proc/self/${link#*:}" "dev/${link%%:*}"; done
cp -r --no-preserve=ownership "$seed/." .
chmod 700 root root/.ssh
printf '%s\n' "$name" > etc/hostname
printf '127.0.0.1 localhost %s\n' "$name" > etc/hosts
mkdir -p opt/preau
touch opt/preau/node opt/preau/preau-agent.mjs
mount --bind "$node" opt/preau/node
mount -o remount,bind,ro opt/preau/node
mount --bind "$agent" opt/preau/preau-agent.mjs
mount -o remount,bind,ro opt/preau/preau-agent.mjs
pivot_root . run/old
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 OWN="$own"
exec chroot . /bin/bash -c '
  cd /
  umount -l /run/old && rmdir /run/old
  echo "up $OWN"
  unset OWN
  exec > /dev/null 2>&1
  while read -r line; do eval "$line" < /dev/null & done
'
