#!/bin/sh
# The lab's ZFS: pools, mounts and volumes, and what a loss of power leaves. Needs root.
#   zfs_test.sh PATH-OF-BHYPE-LAB
set -u
lab=${1:?usage: zfs_test.sh PATH-OF-BHYPE-LAB}
[ "$(id -u)" = 0 ] || { echo "zfs_test: skipped, a lab needs root"; exit 77; }
image=$("$(dirname "$0")/../../tools/lab/build-appliance") || exit 1
dir=$(mktemp -d)
failures=0
trap '"$lab" down --dir "$dir/lab"; rm -rf "$dir"' EXIT

# check NAME STATUS OUTPUT SCRIPT: both streams together
check() {
    out=$("$lab" exec --dir "$dir/lab" -- sh -c "$4" 2>&1 </dev/null)
    got=$?
    [ "$got" = "$2" ] && [ "$out" = "$3" ] && return
    failures=$((failures + 1))
    echo "FAILED $1: status $got, not $2
$out"
}

"$lab" up --dir "$dir/lab" --disks 2x1G --appliance "$image" >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
check 'no pool yet' 0 'no pools available' 'zpool list'
check 'a mirror' 0 'tank	ONLINE' 'zpool create -m none tank mirror nda0 nda1 && zpool list -H -o name,health'
check 'a file system with the lab'"'"'s users' 0 'hello dev 1' \
    'zfs create -o mountpoint=/var/db/t tank/t && echo hello >/var/db/t/f && chown www /var/db/t/f &&
     echo $(cat /var/db/t/f) $(test "$(stat -c %U /var/db/t/f)" = www && echo dev) $(mount -p | grep -c /var/db/t)'
check 'a volume' 0 '67108864' 'zfs create -s -V 64M tank/v && stat -c %s /dev/zvol/tank/v'
check 'written and read' 0 'same' 'dd if=/etc/group of=/dev/zvol/tank/v bs=4096 conv=sync status=none &&
    dd if=/dev/zvol/tank/v bs=4096 count=1 status=none | head -c $(stat -c %s /etc/group) | cmp - /etc/group && echo same'
check 'a clone' 0 'tank/v@s' 'zfs snapshot tank/v@s && zfs clone tank/v@s tank/c && zfs get -H -o value origin tank/c'
check 'a snapshot has all that was written before it' 0 'same' \
    'dd if=/dev/urandom of=/tmp/random bs=1M count=24 status=none && dd if=/tmp/random of=/dev/zvol/tank/v bs=1M status=none &&
     zfs snapshot tank/v@all && zfs clone tank/v@all tank/all &&
     dd if=/dev/zvol/tank/all bs=1M count=24 status=none | cmp - /tmp/random && echo same; zfs destroy tank/all'
check 'refused' 1 "cannot create 'tank/c': dataset already exists" 'zfs create -V 1M tank/c'
check 'roll back' 0 'hello' 'zfs snapshot tank/t@a && echo changed >/var/db/t/f && zfs rollback tank/t@a && cat /var/db/t/f'
check 'rename and unmount' 0 'gone' 'zfs rename tank/t tank/u && zfs unmount tank/u && test ! -e /var/db/t/f && echo gone && zfs mount tank/u'
"$lab" reboot --dir "$dir/lab" >"$dir/log" 2>&1 || { cat "$dir/log"; failures=$((failures + 1)); }
check 'all there after a loss of power' 0 'tank
hello
c
v' 'zpool list -H -o name; cat /var/db/t/f; ls /dev/zvol/tank'
"$lab" shutdown --dir "$dir/lab" >/dev/null 2>&1 || failures=$((failures + 1))
"$lab" down --dir "$dir/lab"
[ ! -e "$dir/lab" ] || { failures=$((failures + 1)); echo "FAILED: left behind"; }
echo "zfs_test: $failures failed"
[ "$failures" = 0 ]
