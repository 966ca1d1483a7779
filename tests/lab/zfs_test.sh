#!/bin/sh
# The lab's ZFS: pools, mounts, volumes and keys, and what a loss of power leaves. Needs root.
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

"$lab" up --dir "$dir/lab" --disks 3x1G --appliance "$image" >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
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

# The keys' pool holds a file and a volume with the same content.
keys=/usr/local/etc/bhype/keys
whole="cmp /safe/f /tmp/content && dd if=/dev/zvol/safe/v bs=1M count=4 status=none | cmp - /tmp/content && echo whole"
check 'a pool with a passphrase' 0 'available - prompt local aes-256-gcm - safe -' \
    'echo correct horse | zpool create -O encryption=on -O keyformat=passphrase -O keylocation=prompt -O mountpoint=/safe safe nda2 &&
     echo $(zfs get -H -o value,source keystatus,keylocation,encryption,encryptionroot safe)'
check 'who needs no key leaves the input alone' 0 'safe/a safe/b' \
    'printf "a\nb\n" | while read name; do zfs create safe/$name; done; echo $(zfs list -H -o name -r -d 1 safe | grep /)'
check 'a file and a volume under a key' 0 'whole' \
    "dd if=/dev/urandom of=/tmp/content bs=1M count=4 status=none && cp /tmp/content /safe/f && zfs create -V 4M safe/v &&
     dd if=/tmp/content of=/dev/zvol/safe/v bs=1M status=none && $whole"
check 'a key in use' 255 "Key unload error: 'safe' is busy." 'zfs unload-key safe'
check 'a key unloaded' 0 'unavailable gone' \
    'zfs unmount safe && zfs unload-key safe && echo $(zfs get -H -o value keystatus safe) $(test -e /dev/zvol/safe || echo gone)'
check 'no mount without the key' 1 "cannot mount 'safe': encryption key not loaded" 'zfs mount safe'
check 'a wrong passphrase' 255 "Key load error: Incorrect key provided for 'safe'." 'echo battery staple | zfs load-key safe'
check 'a wrong passphrase, tried' 255 "Key load error: Incorrect key provided for 'safe'.
0 / 1 key(s) successfully verified" 'echo battery staple | zfs load-key -n safe'
check 'a short passphrase' 255 'Key load error: Passphrase too short (min 8).' 'echo horse | zfs load-key safe'
check 'the right passphrase, tried' 0 '1 / 1 key(s) successfully verified
unavailable' 'echo correct horse | zfs load-key -n safe; zfs get -H -o value keystatus safe'
check 'the right passphrase' 0 'whole' "echo correct horse | zfs load-key safe && zfs mount safe && $whole"
check 'an import loads no key' 0 'unavailable no' \
    'zpool export safe && zpool import safe && echo $(zfs get -H -o value keystatus,mounted safe)'
check 'an import with the key' 0 '1 / 1 keys successfully loaded
whole' "zpool export safe && echo correct horse | zpool import -l safe && $whole"
# Bytes that no text has, a line's end among them, and none at the end.
check 'a key in a file' 0 'whole' \
    "mkdir -p $keys && printf '\\000\\001\\377\\nraw key of thirty-two bytes\\n' >$keys/safe.key && test \$(stat -c %s $keys/safe.key) = 32 &&
     zfs change-key -o keyformat=raw -o keylocation=file://$keys/safe.key safe && zfs unmount safe && zfs unload-key safe &&
     zfs mount -l safe && $whole"
check 'a missing file' 255 'Key load error: Failed to open key material file: No such file or directory' \
    "zfs unmount safe && zfs unload-key safe && mv $keys/safe.key $keys/moved.key && zfs load-key safe"
check 'another place' 0 'available' "zfs load-key -L file://$keys/moved.key safe && zfs get -H -o value keystatus safe"
check 'another place, for good' 0 'available' \
    "zfs unload-key safe && zfs set keylocation=file://$keys/moved.key safe && zfs load-key safe && zfs get -H -o value keystatus safe"
check 'a wrong file' 255 "Key load error: Incorrect key provided for 'safe'.
0 / 1 key(s) successfully verified" "dd if=/dev/urandom of=$keys/other.key bs=32 count=1 status=none && zfs load-key -n -L file://$keys/other.key safe"
check 'a file that is too long' 255 'Key load error: Raw key too long (expected 32).
0 / 1 key(s) successfully verified' 'zfs load-key -n -L file:///etc/group safe'
check 'a key of its own below' 0 'safe/asked' \
    'echo open sesame | zfs create -o encryption=on -o keyformat=passphrase -o keylocation=prompt safe/asked &&
     zfs create -V 1M safe/asked/v && zfs get -H -o value encryptionroot safe/asked/v'
check 'zfskeys is off' 0 "Cannot 'start' zfskeys. Set zfskeys_enable to YES in /etc/rc.conf or use 'onestart' instead of 'start'." \
    'service zfskeys start'
check 'zfskeys stops and starts' 0 "Unloaded key for safe.
Unloaded key for safe/asked.
safe: unavailable
safe/asked: unavailable
Loading key for safe from file://$keys/moved.key..
Key already loaded for safe." \
    'zfs unmount safe/asked; for verb in onestop status onestart "onestart safe"; do service zfskeys $verb; done'
check 'zfskeys is on' 0 'zfskeys_enable: NO -> YES' 'sysrc zfskeys_enable=YES'
"$lab" reboot --dir "$dir/lab" >"$dir/log" 2>&1 || { cat "$dir/log"; failures=$((failures + 1)); }
check 'all there after a loss of power' 0 'tank
hello
c
v' 'zpool list -H -o name tank; cat /var/db/t/f; ls /dev/zvol/tank'
check 'keys in files after a boot' 0 'available yes
unavailable no
whole
v' "zfs get -H -o value keystatus,mounted safe | paste -s -d ' ' - && zfs get -H -o value keystatus,mounted safe/asked | paste -s -d ' ' - &&
    $whole; ls /dev/zvol/safe"
check 'a passphrase after a boot' 0 'v' \
    'echo open sesame | zfs load-key safe/asked && zfs mount safe/asked && ls /dev/zvol/safe/asked'
check 'the file is taken away' 0 '' "mv $keys/moved.key /root"
"$lab" reboot --dir "$dir/lab" >"$dir/log" 2>&1 || { cat "$dir/log"; failures=$((failures + 1)); }
check 'no key after a boot without the file' 0 'unavailable no
gone
t' "zfs get -H -o value keystatus,mounted safe | paste -s -d ' ' - && test -e /dev/zvol/safe || echo gone
    zfs mount | grep -q tank/u && echo t"
grep -q "Key file $keys/moved.key not found, empty or unreadable. Skipping safe.." "$dir/lab/console.log" ||
    { failures=$((failures + 1)); echo "FAILED zfskeys says nothing of a missing file"; }
check 'a key loaded later' 0 'v
no
whole' "zfs load-key -L file:///root/moved.key safe && ls /dev/zvol/safe && zfs get -H -o value mounted safe && zfs mount -a && $whole"
"$lab" shutdown --dir "$dir/lab" >/dev/null 2>&1 || failures=$((failures + 1))
"$lab" down --dir "$dir/lab"
[ ! -e "$dir/lab" ] || { failures=$((failures + 1)); echo "FAILED: left behind"; }
echo "zfs_test: $failures failed"
[ "$failures" = 0 ]
