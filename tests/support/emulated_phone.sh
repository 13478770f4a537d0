#!/bin/sh
# One `adb shell` of the emulated phone: emulated_phone.sh ROOT COMMAND
#
# In a private user and mount namespace, so that neither root nor any change of the host is needed: arm64 programs start
# through qemu (binfmt_misc belongs to the user namespace since Linux 6.7), ROOT is the file system with the host's
# libraries in it, ROOT/made holds the phone's own /proc/cpuinfo and /sys, the shell is mksh and the tools are toybox, as
# on Android. Exit codes 96 to 98: the set-up failed, not COMMAND.
set -eu
root=$1 command=$2
if [ "${EMULATED_PHONE:-}" != inside ]; then
    PATH=$PATH:/usr/sbin:/sbin EMULATED_PHONE=inside exec unshare --user --map-root-user --mount -- sh "$0" "$@"
fi
unset EMULATED_PHONE

magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
if mount -t binfmt_misc none /proc/sys/fs/binfmt_misc 2>/dev/null; then
    printf '%s' ":phone:M::$magic:$mask:$(command -v qemu-aarch64-static):F" >/proc/sys/fs/binfmt_misc/register || exit 96
fi
# Older kernels: what the host has registered will do.
ls /proc/sys/fs/binfmt_misc/ | grep -qE '^(phone|qemu-aarch64)$' || { echo "no way to start arm64 programs" >&2; exit 97; }

for folder in usr bin lib lib64 dev proc; do
    mkdir -p "$root/$folder"
    mount --rbind "/$folder" "$root/$folder" || exit 98
done
mkdir -p "$root/sys"
mount --bind "$root/made/sys" "$root/sys" || exit 98
mount --bind "$root/made/cpuinfo" "$root/proc/cpuinfo" || exit 98

# qemu-user 7.2's default CPU computes wrong int8 results (its SVE); this one has none.
exec chroot "$root" /usr/bin/env -i PATH=/system/bin QEMU_CPU=cortex-a76 QEMU_LD_PREFIX=/usr/aarch64-linux-gnu \
    /bin/mksh -c "cd /; $command"
