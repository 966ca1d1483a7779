#!/bin/sh
# bhype-hostd and bhype-vmd in a lab, asked by a program that runs as user bhype: every operation, daemons killed meanwhile,
# a bhyped that was taken over. Needs root and everything built.
#   hostd_test.sh [RELEASE]      default 14.3
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${BHYPE_BUILD:-$top/build/release}
lab=$build/lab/bhype-lab
release=${1:-14.3}
[ "$(id -u)" = 0 ] || { echo "hostd_test: skipped, a lab needs root"; exit 77; }
dir=$(mktemp -d /tmp/bhype-hostd.XXXXXX)
failures=0
trap '"$lab" down --dir "$dir/lab"; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM

fail() {
    failures=$((failures + 1))
    echo "FAILED $*"
}
root() { "$lab" exec --dir "$dir/lab" -- sh -c "$1" </dev/null; }
# as USER TESTS: runs tests of the program; a failure does not keep the others from running
as() {
    "$lab" exec --dir "$dir/lab" --user "$1" -- env BHYPE_LAB_RELEASE="$release" BHYPE_LAB_OLD_VMD="${old_vmd:-0}" \
        ${line_lost:+BHYPE_LAB_LINE_LOST=1} /usr/local/libexec/hostd_test --gtest_brief=1 --gtest_filter="$2" \
        </dev/null >"$dir/out.$2" 2>&1 || { cat "$dir/out.$2"; fail "$2"; return 1; }
}

"$top/dev" lab up --dir "$dir/lab" --release "$release" --disks 4x4G --account dev1:secret:bhype \
    --account gone1:secret:bhype --account root:rootpass >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
install -m 0755 "$build/tests/lab_hostd_test" "$dir/lab/root/usr/local/libexec/hostd_test"

root 'sed -i "/^gone1:/s/:[^:]*:\$/:1:/" /etc/shadow' # expired in 1970

# The program takes bhyped's place; the real one would tidy up what it does not know.
root 'service bhyped stop' >/dev/null
(cd "$dir/lab/root/var/bhype/images" && dd if=/dev/urandom of=random.raw bs=1M count=96 status=none &&
    sha256sum random.raw | cut -d " " -f 1 >random.raw.sha256) || fail "an image of noise"
as bhype Host.*
as bhype Storage.*
as bhype Network.*
as dev1 Stranger.*

# Things of others, which look as if they were bHype's.
others='zfs list -H -t all -o name,volsize,origin -r tank/home tank/swap foreign; ifconfig bh-foreign; ifconfig tap9; ls /dev/vmm
    pgrep -f "^bhyve: foreign" || echo "the foreign VM has ended"; zpool list -H -o name; cat /root/secret; cat /etc/passwd /etc/group /etc/shadow; cat /tank/bhype/vm/web1/vm.toml
    ls -lR /root /var/bhype /usr/local/etc/bhype | grep -v -e dnsmasq -e ^total; zfs list -H -t all -o name -r tank/bhype'
root 'set -e; zfs create tank/home; zfs snapshot tank/home@keep; zfs create -s -V 64M tank/swap
    zfs snapshot tank/swap@keep; zpool create -m none foreign nda2; zfs create -p foreign/bhype/vm
    zfs create -s -V 64M foreign/bhype/vm/a; zfs snapshot foreign/bhype/vm/a@keep
    zfs create -p foreign/bhype/.new/t00000000000000ff/x
    ifconfig bridge create name bh-foreign; ifconfig tap9 create description "bhype vm/web1/net0"
    bhyve -c 1 -m 64M -s 0,hostbridge -s 31,lpc \
        -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd foreign >/dev/null 2>&1 &
    until [ -e /dev/vmm/foreign ]; do sleep 0.1; done; echo secret >/root/secret
    mkdir /var/bhype/imagesx; cp /root/secret /var/bhype/imagesx/; ln -s /root/secret /var/bhype/images/link.raw
    install -d -o bhype -g _bhype -m 0750 /var/db/bhype; install -o bhype -g _bhype /root/secret /var/db/bhype/own.raw' || fail "things of others"
root "$others" >"$dir/before" 2>&1
as bhype HostileBhyped.*
root "$others" >"$dir/after" 2>&1
diff "$dir/before" "$dir/after" || fail "a hostile bhyped changed what is not its own"
root 'bhyvectl --vm=foreign --force-poweroff; bhyvectl --vm=foreign --destroy; rm -r /var/bhype/images/link.raw /var/bhype/imagesx'

as bhype Guest.Starts
as bhype Guest.SerialLine:Guest.Screen:Guest.Log:Guest.Reset:Accounts.*

hostd='$(cat /var/run/bhype/hostd.pid)'
# killed PID...: kills them in the lab and looks whether the guest is found again. The program keeps bhyve's and vmd's pid.
killed() {
    root "kill -9 $*" || fail "kill -9 $*"
    as bhype AfterAKill.GuestIsFoundAgain
}
vmd() { root 'cut -d" " -f2 /tmp/pids-of-web1'; }
killed "$hostd"
old_vmd=$(vmd)
killed "$old_vmd"
old_vmd=$(vmd)
line_lost=1
killed "$hostd" "$old_vmd"
line_lost=
as bhype AfterAKill.SerialLineComesBackWithTheNextBoot
as bhype AfterAKill.GuestReboots
old_vmd=0
root 'service bhype_hostd restart' >"$dir/out" 2>&1 || { cat "$dir/out"; fail "restart of hostd"; }
as bhype AfterAKill.GuestIsFoundAgain

"$lab" fail --dir "$dir/lab" 'zfs create' 1 --hang 15
as bhype InFlight.BreaksOff &
sleep 2
root "kill -9 $hostd"
wait $! || fail InFlight.BreaksOff
as bhype InFlight.IsWaitedFor

as bhype Guest.Stops
as bhype Guest.IsKilled
as bhype Operations.WereAllPerformed
root 'zfs list -H -o name -r tank/bhype/.new' >"$dir/out"
[ "$(cat "$dir/out")" = tank/bhype/.new ] || { cat "$dir/out"; fail "left behind"; }
[ "$failures" = 0 ] || root 'tail -n 40 /var/log/bhype/hostd.log; tail -n 20 /var/log/messages'
echo "hostd_test: $failures failed"
[ "$failures" = 0 ]
