#!/bin/busybox sh
# The guest's first program, in the initramfs: drivers, the host's root read-only under an overlay in memory, and over to
# guest.sh in it. tools/vm.ts puts this together.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
fail() {
  echo "$*" > /job/error
  echo "vm: $*" > /dev/ttyS0
  sync
  poweroff -f
  sleep 9
}
for module in $(cat /modules/order); do
  insmod "/modules/$module.ko" || echo "vm: insmod $module failed" > /dev/kmsg
done
p9=trans=virtio,version=9p2000.L,msize=512000
mount -t 9p -o $p9,cache=none job /job || fail "the 9p share of the job cannot be mounted"
mount -t 9p -o $p9,cache=loose,ro host /host || fail "the 9p share of the host cannot be mounted"
mount -t tmpfs -o mode=755,size=60% over /over
mkdir /over/upper /over/work
mount -t overlay -o lowerdir=/host,upperdir=/over/upper,workdir=/over/work root /root || fail "the overlay cannot be mounted"
cd /root
mkdir -p proc sys dev run mnt
mount -t tmpfs -o mode=755 run run
mkdir -p run/vm run/busybox run/lock
mount --move /job run/vm
for each in proc sys dev; do mount --move /$each $each; done
mkdir -p dev/pts dev/shm dev/hugepages
mount -t devpts -o mode=620,ptmxmode=666 pts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t hugetlbfs huge dev/hugepages
ln -sf /proc/self/fd dev/fd
cp /bin/busybox /guest.sh /modules/kmem.ko run/busybox/
chroot . /run/busybox/busybox --install -s /run/busybox
ip link set lo up
exec switch_root -c /dev/console . /run/busybox/busybox sh /run/busybox/guest.sh
