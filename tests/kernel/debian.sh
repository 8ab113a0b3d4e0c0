#!/usr/bin/env bash
# The daemon and the packet rows on Debian's own kernel (6.1 on Debian 12), booted in qemu without
# acceleration: its verifier is older than that of most machines this is built on. The same
# binaries, nothing but libraries beside them.
#
# The kernel package is fetched once into build/kernel/. Exit code 4 where that cannot be done.
set -euo pipefail

cd "$(dirname "$0")/../.."
B=$(realpath "${B:-build}")
dir=$B/kernel
root=$dir/root

fetch_kernel() {
	local package

	ls "$dir"/boot/vmlinuz-* >/dev/null 2>&1 && return
	mkdir -p "$dir"
	package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null |
		awk '/Depends: linux-image/ { print $2; exit }')
	if [ -z "$package" ] || ! (cd "$dir" && apt-get download -q "$package" >/dev/null 2>&1); then
		echo "Debian's kernel package is not to be had (architecture, or package lists)"
		exit 4
	fi
	dpkg -x "$dir/$package"*.deb "$dir"
}

# put FILE [AS]: into the initial file system, with the libraries it needs
put() {
	local file library

	file=$(command -v "$1")
	install -D "$file" "$root${2:-/bin/${1##*/}}"
	for library in $(ldd "$file" 2>/dev/null | grep -o '/[^ ]*'); do
		[ -e "$root$library" ] || install -D "$library" "$root$library"
	done
}

fetch_kernel
rm -rf "$root"
mkdir -p "$root"/{proc,sys,dev,run,tmp,bin,sbin}
put busybox
put dash /bin/sh
put ip
put ethtool
put tc
put "$B/ebpf-routed"
put "$B/ebpf-route"
put "$B/packets-test"
for module in veth sch_ingress cls_bpf; do
	install -D "$(find "$dir/lib/modules" -name "$module.ko*")" "$root/$module.ko"
done
install tests/kernel/init "$root/init"
(cd "$root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$dir/initrd.gz"

log=$dir/console.log
timeout 300 qemu-system-x86_64 -m 1024 -smp 2 -nographic -no-reboot -kernel "$dir"/boot/vmlinuz-* \
	-initrd "$dir/initrd.gz" -append "console=ttyS0 quiet panic=-1" </dev/null >"$log" 2>&1 || true
tr -d '\r' <"$log" | sed -n '/KERNEL/,$p' | grep -vE '^\[ (RUN|  *OK)' || true
for want in "PACKETS 0" "DIR24 ok" "LPM ok" "FILTERS 1 ok" "TC clean" "RESTARTS ok" "CRASHED 2 ok" "CRASHED clean" "CPUS ok" "END"; do
	grep -q "^$want" "$log" || { echo "missing: $want"; exit 1; }
done
