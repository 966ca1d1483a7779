#!/bin/sh
# The lab's networks: cards, cables, what is outside, routes, neighbours, vlan(4) and lagg(4), with real packets. Needs root.
#   network_test.sh PATH-OF-BHYPE-LAB
set -u
lab=${1:?usage: network_test.sh PATH-OF-BHYPE-LAB}
[ "$(id -u)" = 0 ] || { echo "network_test: skipped, a lab needs root"; exit 77; }
base=$(mktemp -d)
. "$(dirname "$0")/check.sh"
inside() { "$lab" exec --dir "$base/lab" -- sh -c "$1" </dev/null; }
outside() { "$lab" outside --dir "$base/lab" -- sh -c "$1" </dev/null; }
old() { "$lab" exec --dir "$base/old" -- sh -c "$1" </dev/null; }
in_lab() { check "$1" "$2" "$3" "$4" inside "$5"; }
in_old() { check "$1" "$2" "$3" "$4" old "$5"; }
out_there() { check "$1" "$2" "$3" "$4" outside "$5"; }
link() { "$lab" link --dir "$base/lab" "$@"; }
trap '"$lab" down --dir "$base/lab"; "$lab" down --dir "$base/old"; rm -rf "$base"' EXIT
ether='s/\(ether\|hwaddr\) ..:..:..:..:..:../\1 MAC/'
# until_works COMMAND: a forwarder needs a moment to look again
until_works='until_works() { for _i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do eval "$1" >/dev/null 2>&1 && return 0; sleep 0.2; done; return 1; }'

check 'up with two cards' 0 '*' '*' "$lab" up --dir "$base/lab" --release 14.3 --nics 2
check 'nine cards are too many' 2 '' '*' "$lab" up --dir "$base/other" --nics 9

# cards and cables
in_lab 'names' 0 'em0 em1 lo0' '' 'ifconfig -l'
in_lab 'as the installer leaves it' 0 'em0: flags=1008843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST,LOWER_UP> metric 0 mtu 1500
	options=4e504bb<RXCSUM,TXCSUM,VLAN_MTU,VLAN_HWTAGGING,JUMBO_MTU,VLAN_HWCSUM,LRO,VLAN_HWFILTER,VLAN_HWTSO,RXCSUM_IPV6,TXCSUM_IPV6,HWSTATS,MEXTPG>
	ether MAC
	inet 192.0.2.10 netmask 0xffffff00 broadcast 192.0.2.255
	media: Ethernet autoselect (1000baseT <full-duplex>)
	status: active
	nd6 options=29<PERFORMNUD,IFDISABLED,AUTO_LINKLOCAL>' '' "ifconfig em0 | sed '$ether'"
in_lab 'a card that nobody has set up' 0 'em1: flags=8802<BROADCAST,SIMPLEX,MULTICAST> metric 0 mtu 1500
	status: no carrier' '' "ifconfig em1 | grep -e flags -e status"
in_lab 'a card is no clone' 1 '' 'ifconfig: SIOCIFDESTROY: Invalid argument' 'ifconfig em0 destroy'
in_lab 'offloads' 0 '	options=48100b8<VLAN_MTU,VLAN_HWTAGGING,JUMBO_MTU,VLAN_HWCSUM,VLAN_HWFILTER,HWSTATS,MEXTPG>' '*' \
    'ifconfig em1 -txcsum -rxcsum -tso -lro -txcsum6 -vlanhwtso; ifconfig em1 | grep options=4'
in_lab 'offloads back' 0 '' '' 'ifconfig em1 txcsum rxcsum lro txcsum6 vlanhwtso; ifconfig em1 | grep -q options=4e504bb'
in_lab 'what it could do' 0 '	capabilities=4f53fbb<RXCSUM,TXCSUM,VLAN_MTU,VLAN_HWTAGGING,JUMBO_MTU,VLAN_HWCSUM,TSO4,TSO6,LRO,WOL_UCAST,WOL_MCAST,WOL_MAGIC,VLAN_HWFILTER,VLAN_HWTSO,NETMAP,RXCSUM_IPV6,TXCSUM_IPV6,HWSTATS,MEXTPG>
		media 1000baseT mediaopt full-duplex' '' 'ifconfig -m em1 | grep -e capab -e "1000baseT mediaopt"'
in_lab 'the segment' 0 '' '' 'ping -c1 -W3 192.0.2.1 >/dev/null'
in_lab 'the internet' 0 'outside' '' 'curl -s http://198.51.100.1/'
in_lab 'who one is there' 0 '192.0.2.10' '' 'curl -s http://198.51.100.1/cgi-bin/address'
out_there 'a command outside' 0 '' '' 'ping -c1 -W3 192.0.2.10 >/dev/null'
out_there 'no way back to private networks' 1 '' '' 'ip route get 10.77.0.5 2>/dev/null | grep .'
check 'exit status of outside' 7 '' '' outside 'exit 7'
check 'pull' 0 '' '' link em0 down
in_lab 'no carrier' 0 '	status: no carrier' '' 'ifconfig em0 | grep status'
in_lab 'cut off' 7 '' '' 'curl -s -m 2 http://198.51.100.1/ || exit 7'
check 'plug' 0 '' '' link em0 up
in_lab 'back' 0 'outside' '' "$until_works; until_works 'curl -s -m 2 http://198.51.100.1/'; curl -s -m 2 http://198.51.100.1/"
in_lab 'jumbo frames' 0 '' '' 'ifconfig em0 mtu 9000; ping -c1 -W3 -s 8000 192.0.2.1 >/dev/null; s=$?; ifconfig em0 mtu 1500; exit $s'
check 'no such card' 1 '' 'lab: no network card is named em7' link em7 up

# routes
in_lab 'route get' 0 '   route to: 0.0.0.0
destination: 0.0.0.0
       mask: 0.0.0.0
    gateway: 192.0.2.1
        fib: 0
  interface: em0
      flags: <UP,GATEWAY,DONE,STATIC>
 recvpipe  sendpipe  ssthresh  rtt,msec    mtu        weight    expire
       0         0         0         0      1500         1         0 ' '' 'route -n get default'
in_lab 'route get of a host' 0 'destination: 192.0.2.0
  interface: em0' '' 'route -n get 192.0.2.77 | grep -e destination -e interface'
in_lab 'route there already' 1 'add net default: gateway 192.0.2.1 fib 0: route already in table' \
    'route: message indicates error: File exists' 'route add default 192.0.2.1'
in_lab 'route delete, add, change' 0 'delete net default
add net default: gateway 192.0.2.9
change net default: gateway 192.0.2.1' '' 'route delete default && route add default 192.0.2.9 && route change default 192.0.2.1'
in_lab 'gateway that cannot be reached' 1 'add net 10.9.0.0/16: gateway 10.1.1.1 fib 0: Network is unreachable' \
    'route: message indicates error: Network is unreachable' 'route add 10.9.0.0/16 10.1.1.1'
in_lab 'no such route' 1 'delete net 10.9.0.0/16 fib 0: not in table' 'route: route has not been found' 'route delete 10.9.0.0/16'
in_lab 'a net by an interface' 0 'add net 10.9.0.0/16: gateway em0
delete net 10.9.0.0/16' '' 'route add -net 10.9.0.0/16 -iface em0; route delete -net 10.9.0.0/16'
in_lab 'bad keyword' 64 '' '*' 'route add -frobnicate 1.2.3.4 5.6.7.8'
in_lab 'netstat -rn' 0 'Routing tables

Internet:
Destination        Gateway            Flags     Netif Expire
default            192.0.2.1          UGS         em0
127.0.0.1          link#N             UH          lo0
192.0.2.0/24       link#N             U           em0
192.0.2.10         link#N             UHS         lo0' '' 'netstat -rn -f inet | sed "s/link#[0-9]*/link#N/"'

# neighbours and counters
in_lab 'arp' 0 '? (192.0.2.1) at MAC on em0 expires in N seconds [ethernet]
? (192.0.2.10) at MAC on em0 permanent [ethernet]' '' 'ping -c1 -W3 192.0.2.1 >/dev/null; arp -an | sed "s/at ..:..:..:..:..:../at MAC/; s/in [0-9]*/in N/"'
in_lab 'arp -d' 0 '192.0.2.1 (192.0.2.1) deleted
192.0.2.1 (192.0.2.1) -- no entry' '' 'arp -d 192.0.2.1; arp -n 192.0.2.1 || true'
in_lab 'an entry that is not there' 1 '' 'arp: delete 192.0.2.99: No such file or directory' 'arp -d 192.0.2.99'
in_lab 'IPv6' 0 'outside' '' 'ifconfig em0 inet6 -ifdisabled && ifconfig em0 inet6 2001:db8::10/64 && curl -gs "http://[2001:db8::1]/"'
in_lab 'ndp' 0 '2001:db8::1                          MAC    em0 N R 
2001:db8::10                         MAC    em0 permanent R ' '' 'ndp -an | grep ^2001 | sed "s/..:..:..:..:..:../MAC/; s/[0-9]*s  *R/N R/"'
in_lab 'counters' 0 'counted' '' 'set -- $(netstat -I em0 -bn | grep "<Link"); [ "$5" -gt 0 ] && [ "$8" -gt 100 ] && [ "${11}" -gt 100 ] && echo counted'
in_lab 'what netstat prints' 0 'Name  Mtu Network Address Ipkts Ierrs Idrop Ibytes Opkts Oerrs Obytes Coll' '' 'netstat -ibn | head -1 | tr -s " " | sed "s/Name /Name  /; s/^Name  */Name  /"'

# VLANs
in_lab 'a VLAN' 0 'vlan20' '' 'ifconfig vlan create vlandev em0 vlan 20 name vlan20 inet 10.20.0.5/24 up'
in_lab 'its listing' 0 'vlan20: flags=1008843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST,LOWER_UP> metric 0 mtu 1500
	options=4600403<RXCSUM,TXCSUM,LRO,RXCSUM_IPV6,TXCSUM_IPV6,MEXTPG>
	ether MAC
	inet 10.20.0.5 netmask 0xffffff00 broadcast 10.20.0.255
	groups: vlan
	vlan: 20 vlanproto: 802.1q vlanpcp: 0 parent interface: em0
	media: Ethernet autoselect (1000baseT <full-duplex>)
	status: active
	nd6 options=29<PERFORMNUD,IFDISABLED,AUTO_LINKLOCAL>' '' "ifconfig vlan20 | sed '$ether'"
in_lab 'packets of a VLAN' 0 '' '' "$until_works; until_works 'ping -c1 -W1 10.20.0.1'"
in_lab 'a bulk of them' 0 '300000' '' 'ifconfig em0.30 create inet 10.30.0.5/24 up; curl -s http://10.30.0.1/bulk | wc -c'
in_lab 'tag taken' 1 '' 'ifconfig: interface vlan7 already exists' 'ifconfig vlan7 create vlan 20 vlandev em0'
in_lab 'no such parent' 1 '' 'ifconfig: SIOCIFCREATE2 (vlan7): Device not configured' 'ifconfig vlan7 create vlan 21 vlandev em9'
in_lab 'no tag' 1 '' 'ifconfig: must specify a tag for vlan create' 'ifconfig vlan7 create vlandev em0'
in_lab 'bad tag' 1 '' 'ifconfig: invalid vlan tag' 'ifconfig em0.4095 create'
check 'pull' 0 '' '' link em0 down
in_lab 'a VLAN has its parent'"'"'s link' 0 '	status: no carrier' '' 'ifconfig vlan20 | grep status'
check 'plug' 0 '' '' link em0 up
in_lab 'a bridge on a VLAN' 0 '' '' "ifconfig vlan20 inet 10.20.0.5 -alias; ifconfig bridge0 create addm vlan20 inet 10.20.0.6/24 up; $until_works; until_works 'ping -c1 -W1 10.20.0.1'"
in_lab 'gone' 0 'em0 em1 lo0' '' 'ifconfig bridge0 destroy; ifconfig vlan20 destroy; ifconfig em0.30 destroy; ifconfig -l'

# An uplink in a bridge: addresses move, and the host is reachable again.
in_lab 'bridging the uplink' 0 'outside' '' 'ifconfig em0 inet 192.0.2.10 -alias; ifconfig em0 inet6 2001:db8::10 -alias; ifconfig em0 inet6 ifdisabled
    ifconfig bridge create name bh-public addm em0 inet 192.0.2.10/24 up >/dev/null; route -q add default 192.0.2.1; curl -s -m 5 http://198.51.100.1/'
in_lab 'a tap takes offloads off the uplink' 0 'options=4a500b9 4e500bb' '' 'ifconfig tap0 create; ifconfig bh-public addm tap0
    a=$(ifconfig em0 | sed -n "s/.*options=\(4[0-9a-f]*\)<.*/\1/p"); ifconfig bh-public deletem tap0; echo "options=$a $(ifconfig em0 | sed -n "s/.*options=\(4[0-9a-f]*\)<.*/\1/p")"; ifconfig tap0 destroy'
in_lab 'undone' 0 'outside' '' 'ifconfig bh-public destroy; ifconfig em0 inet 192.0.2.10/24; route -q add default 192.0.2.1; curl -s -m 5 http://198.51.100.1/'

# lagg
in_lab 'failover' 0 'lagg0' '' 'ifconfig em0 inet 192.0.2.10 -alias; ifconfig em1 up; ifconfig lagg create laggproto failover laggport em0 laggport em1 inet 192.0.2.10/24 up; route -q add default 192.0.2.1'
in_lab 'its packets' 0 'outside' '' "$until_works; until_works 'curl -s -m 2 http://198.51.100.1/'; curl -s -m 2 http://198.51.100.1/"
in_lab 'its listing' 0 'lagg0: flags=1008843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST,LOWER_UP> metric 0 mtu 1500
	options=4e504bb<RXCSUM,TXCSUM,VLAN_MTU,VLAN_HWTAGGING,JUMBO_MTU,VLAN_HWCSUM,LRO,VLAN_HWFILTER,VLAN_HWTSO,RXCSUM_IPV6,TXCSUM_IPV6,HWSTATS,MEXTPG>
	ether MAC
	inet 192.0.2.10 netmask 0xffffff00 broadcast 192.0.2.255
	laggproto failover lagghash l2,l3,l4
	laggport: em0 flags=5<MASTER,ACTIVE>
	laggport: em1 flags=0<>
	groups: lagg
	media: Ethernet autoselect
	status: active
	nd6 options=29<PERFORMNUD,IFDISABLED,AUTO_LINKLOCAL>' '' "ifconfig lagg0 | sed '$ether'"
in_lab 'one answer each' 0 '0 duplicates' '' 'echo $(ping -c3 -W2 192.0.2.1 | grep -ci dup) duplicates'
in_lab 'a port has the address of the lagg' 0 '2' '' 'ifconfig em1 | grep -c -e "ether $(ifconfig lagg0 | sed -n "s/.*ether //p")" -e hwaddr'
check 'pull' 0 '' '' link em0 down
in_lab 'the other takes over' 0 'outside
	laggport: em0 flags=1<MASTER>
	laggport: em1 flags=4<ACTIVE>' '' "$until_works; until_works 'curl -s -m 2 http://198.51.100.1/'; curl -s -m 2 http://198.51.100.1/; ifconfig lagg0 | grep laggport"
check 'pull both' 0 '' '' link em1 down
in_lab 'no way' 0 '	status: no carrier' '' "$until_works; until_works 'ifconfig lagg0 | grep \"no carrier\"'; ifconfig lagg0 | grep status"
check 'plug' 0 '' '' link em0 up
check 'plug both' 0 '' '' link em1 up
in_lab 'back again' 0 'outside' '' "$until_works; until_works 'curl -s -m 2 http://198.51.100.1/'; curl -s -m 2 http://198.51.100.1/"
in_lab 'a VLAN on a lagg' 0 '' '' "ifconfig lagg0.20 create inet 10.20.0.7/24 up; $until_works; until_works 'ping -c1 -W1 10.20.0.1'"
in_lab 'lacp' 0 '	laggproto lacp lagghash l2,l3,l4
	laggport: em0 flags=1c<ACTIVE,COLLECTING,DISTRIBUTING>
	laggport: em1 flags=1c<ACTIVE,COLLECTING,DISTRIBUTING>
outside' '' "ifconfig lagg0 laggproto lacp; ifconfig lagg0 | grep lagg[hp]; $until_works; until_works 'curl -s -m 2 http://198.51.100.1/'; curl -s -m 2 http://198.51.100.1/"
in_lab 'no duplicates' 0 '0 duplicates' '' 'echo $(ping -c3 -W2 192.0.2.1 | grep -ci dup) duplicates'
in_lab 'unknown protocol' 1 '' 'ifconfig: unknown aggregation protocol: foo' 'ifconfig lagg0 laggproto foo'
in_lab 'no such port' 1 '' 'ifconfig: lagg0 em9: SIOCSLAGGPORT: Device not configured' 'ifconfig lagg0 laggport em9'
in_lab 'a port of another' 1 'lagg1' 'ifconfig: lagg1 em0: SIOCSLAGGPORT: Device busy' 'ifconfig lagg create laggport em0'
in_lab 'a port is no member of a bridge' 1 'bridge0' '*' 'ifconfig bridge create addm em0'
in_lab 'taken apart' 0 'outside' '' "ifconfig bridge0 destroy; ifconfig lagg1 destroy; ifconfig lagg0.20 destroy; ifconfig lagg0 -laggport em1; ifconfig lagg0 destroy; ifconfig em0 inet 192.0.2.10/24; route -q add default 192.0.2.1
    $until_works; until_works 'curl -s -m 2 http://198.51.100.1/'; curl -s -m 2 http://198.51.100.1/"

# rc.conf decides what is there after a boot
in_lab 'rc.conf of a bridged host' 0 '*' '' 'sysrc cloned_interfaces="bridge0 lagg0" ifconfig_bridge0_name=bh-public ifconfig_bh_public="inet 192.0.2.10/24 addm lagg0 up" ifconfig_em0=up ifconfig_em1=up \
    ifconfig_lagg0="laggproto failover laggport em0 laggport em1" vlans_lagg0="20 dmz" create_args_dmz="vlan 30" ifconfig_lagg0_20="inet 10.20.0.8/24" ifconfig_dmz="inet 10.30.0.8/24" ifconfig_bh_public_alias0="inet 192.0.2.11/32" \
    gateway_enable=YES ifconfig_em1_descr="second cable" ipv4_addrs_em1="10.1.1.1-3/24"'
check 'reboot' 0 '' '*' "$lab" reboot --dir "$base/lab"
in_lab 'after the boot' 0 'outside
em0 em1 lo0 bh-public lagg0 lagg0.20 dmz
1' '' "$until_works; until_works 'curl -s -m 2 http://198.51.100.1/'; curl -s -m 2 http://198.51.100.1/; ifconfig -l; sysctl -n net.inet.ip.forwarding"
in_lab 'VLANs after the boot' 0 '' '' "$until_works; until_works 'ping -c1 -W1 10.20.0.1' && until_works 'ping -c1 -W1 10.30.0.1'"
check 'what rc does not know it says' 0 '*' '' grep 'lab: rc.conf: ipv4_addrs_em1 is not provided by the lab' "$base/lab/console.log"
in_lab 'description' 0 '	description: second cable' '' 'ifconfig em1 | grep desc'
in_lab 'an alias' 0 '1' '' 'ifconfig bh-public | grep -c "inet 192.0.2.11 netmask 0xffffffff"'

# 13.2
check '13.2 with one card' 0 '*' '*' "$lab" up --dir "$base/old" --release 13.2
in_old 'flags and options of 13' 0 'em0: flags=8863<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> metric 0 mtu 1500
	options=481249b<RXCSUM,TXCSUM,VLAN_MTU,VLAN_HWTAGGING,VLAN_HWCSUM,LRO,WOL_MAGIC,VLAN_HWFILTER,NOMAP>' '' 'ifconfig em0 | head -2'
in_old 'route there already' 1 'add net default: gateway 192.0.2.1 fib 0: route already in table' '' 'route add default 192.0.2.1'
in_old 'columns of 13' 0 'Name    Mtu Network       Address              Ipkts Ierrs Idrop    Opkts Oerrs  Coll' '' 'netstat -in | head -1'
in_old 'default route unreachable' 1 '*' 'route: writing to routing socket: Network is unreachable' 'route add 10.9.0.0/16 10.1.1.1'

# 15.0
check '13.2 makes place' 0 '' '' "$lab" down --dir "$base/old"
check '15.0 with one card' 0 '*' '*' "$lab" up --dir "$base/old" --release 15.0
in_old 'a member has no addresses on 15' 1 'bridge0' 'ifconfig: BRDGADD em0: Invalid argument (Member interface may not have an IP address assigned)' 'ifconfig bridge create addm em0'
in_old 'nor gets one' 1 '' 'ifconfig: ioctl (SIOCAIFADDR): Invalid argument (Member interface may not have an IP address assigned)' \
    'ifconfig em0 inet 192.0.2.10 -alias; ifconfig bridge0 addm em0; ifconfig em0 inet 192.0.2.10/24'
in_old 'a VLAN on a bridge' 0 'outside' '' "ifconfig bridge0 inet 192.0.2.10/24 up; route -q add default 192.0.2.1; ifconfig bridge0.20 create inet 10.20.0.5/24 up
    $until_works; until_works 'ping -c1 -W1 10.20.0.1'; curl -s -m 5 http://198.51.100.1/"
in_old 'pfil' 0 'net.link.bridge.pfil_member: 0 -> 1' '' 'sysctl net.link.bridge.pfil_member=1'

check 'down' 0 '' '' "$lab" down --dir "$base/lab"
check 'down of 15.0' 0 '' '' "$lab" down --dir "$base/old"
echo "network_test: $passed passed, $failures failed"
[ "$failures" = 0 ]
