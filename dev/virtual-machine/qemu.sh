#!/bin/bash
# The emulator, in its own root (dev/virtual-machine/image.ts) with this machine's devices and network. When its input
# closes, it is killed: the virtual machine then loses its power, and what it had not yet given to its disk.
#
#   qemu.sh ROOT FOLDER IMAGE ARGUMENTS…     FOLDER is shown as /mnt, IMAGE as /srv
#
# Runs as the first process of a pid namespace, in a mount namespace of its own.
set -eu
root=$1 folder=$2 image=$3
shift 3
exec 3<&0 </dev/null
mount --make-rprivate /
mount --bind "$folder" "$root/mnt"
mount --bind "$image" "$root/srv"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
{ cat <&3 >/dev/null; kill -KILL -1; } &
chroot "$root" "$@" 3<&- &
wait $!
