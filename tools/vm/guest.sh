# The guest's second program, in the overlay: makes the DAX devices, runs the command, and leaves its output and exit status in
# the share. What ndctl does for a device is done through sysfs, since few machines have ndctl.
export PATH=/run/busybox:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
job=/run/vm nd=/sys/bus/nd/devices dax=/sys/bus/dax
. $job/parameters
fail() {
  { echo "$*"; dmesg | tail -n 5; } > $job/error
  sync
  poweroff -f
  sleep 9
}
hostname vmem-vm
# Drivers look for devices in the background.
cat $nd/ndbus*/wait_probe > /dev/null 2>&1

# Makes the raw namespace of region $1 one of kind $2 (dax, pfn) with alignment $3 and binds it to driver $4.
namespace() {
  name=namespace$1.0 to=$nd/$2$1.0
  [ ! -e $nd/$name/driver ] || echo $name > $nd/$name/driver/unbind
  cat /proc/sys/kernel/random/uuid > $to/uuid && echo $3 > $to/align && echo ram > $to/mode &&
    echo $name > $to/namespace && echo $2$1.0 > /sys/bus/nd/drivers/$4/bind
}
# The NVDIMM of $1 MiB that is still raw. Their order is not that of QEMU's words.
region() {
  for each in $nd/region*; do
    number=${each##*region}
    [ "$(cat $each/size)" = $(($1 << 20)) ] && [ ! -e /dev/dax$number.0 ] && [ -e $nd/namespace$number.0/driver ] && break
    number=
  done
  [ -n "$number" ] || fail "no NVDIMM of $1 MiB"
}
if [ "$DAX" != 0 ]; then
  region $DAX
  namespace $number dax $DAX_ALIGNMENT dax_pmem 2> /run/log || fail "making a device of DAX failed: $(cat /run/log)"
  export VMEM_TEST_DAX=$(ls /dev/dax$number.* | head -n 1)
  [ -c "$VMEM_TEST_DAX" ] || fail "no /dev/dax$number.*"
fi
if [ "$FSDAX" != 0 ]; then
  region $FSDAX
  namespace $number pfn 2097152 nd_pmem 2> /run/log || fail "making /dev/pmem$number failed: $(cat /run/log)"
  export VMEM_TEST_FSDAX=/mnt/fsdax
  mkdir -p $VMEM_TEST_FSDAX
  PATH=${PATH#/run/busybox:} mkfs.$FSDAX_KIND $FSDAX_OPTIONS /dev/pmem$number > /run/log 2>&1 ||
    fail "mkfs.$FSDAX_KIND failed: $(head -n 5 /run/log)"
  mount -t $FSDAX_KIND -o dax /dev/pmem$number $VMEM_TEST_FSDAX || fail "mount -o dax failed"
  chmod 1777 $VMEM_TEST_FSDAX
fi
# Memory that the firmware reserves for special purposes; its device may wait for a driver.
if [ "$RESERVED" != 0 ]; then
  for device in $dax/devices/*; do
    case $(readlink -f $device) in */hmem*) break ;; esac
    device=
  done
  [ -n "$device" ] || fail "no device over the reserved memory"
  name=${device##*/}
  [ -e $device/driver ] || echo $name > $dax/drivers/device_dax/new_id
  export VMEM_TEST_DAX_RESERVED=/dev/$name
fi
[ "$HUGE_PAGES" = 0 ] || export VMEM_TEST_HUGETLBFS=/dev/hugepages

PATH=${PATH#/run/busybox:}
. $job/environment
export VMEM_VM=1
cd "$FOLDER" || fail "no folder $FOLDER"
/bin/sh $job/command < /dev/null > $job/output 2>&1
status=$?
export PATH=/run/busybox:$PATH
dmesg > $job/dmesg
sync
echo $status > $job/status.new
mv $job/status.new $job/status
sync
poweroff -f
sleep 9
