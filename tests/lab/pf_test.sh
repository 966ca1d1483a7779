#!/bin/sh
# pf in the lab with real packets: a host between a guest and the world outside. Needs root.
#   pf_test.sh PATH-OF-BHYPE-LAB
set -u
lab=${1:?usage: pf_test.sh PATH-OF-BHYPE-LAB}
[ "$(id -u)" = 0 ] || { echo "pf_test: skipped, a lab needs root"; exit 77; }
for program in nft conntrack socat ip; do
    command -v $program >/dev/null || { echo "pf_test: skipped, the machine has no $program"; exit 77; }
done
base=$(mktemp -d)
world=labpf-world-$$ guest=labpf-guest-$$
started=
. "$(dirname "$0")/check.sh"
host() { "$lab" exec --dir "$base/lab" -- "$@"; }
in_host() { check "$1" "$2" "$3" "$4" host sh -c "$5"; }
# load TEXT [ARGUMENT...]: rules for pfctl -f -
load() {
    rules=$1
    shift
    printf '%s\n' "$rules" | host pfctl "$@" -f -
}
listen() { # NAMESPACE PORT: answers with its name and the address that it sees
    ip netns exec "$1" socat "TCP-LISTEN:$2,fork,reuseaddr" "SYSTEM:echo ${1%-*} sees \$SOCAT_PEERADDR" &
    started="$started $!"
}
ask() { ip netns exec "$1" timeout 10 socat -t5 -T5 - "TCP:$2:$3,connect-timeout=1" </dev/null; }
reaches() { check "$1" 0 "$2" '*' ask "$3" "$4" "$5"; }
not_reached() { check "$1" 0 '' '*' sh -c "! ip netns exec '$2' timeout 10 socat -t5 -T5 - 'TCP:$3:$4,connect-timeout=1' </dev/null"; }
clean() {
    for pid in $started; do kill "$pid"; done
    "$lab" down --dir "$base/lab"
    ip netns del "$world"
    ip netns del "$guest"
    rm -rf "$base"
} 2>/dev/null
trap clean EXIT
trap 'exit 1' INT TERM

check 'the lab comes up' 0 '*' '*' "$lab" up --dir "$base/lab" --nics 0 --release "${LAB_RELEASE:-14.3}"
pid=$(cut -d' ' -f1 "$base/lab/pid")
ip netns add "$world" && ip netns add "$guest"
wire() {
    ip -n "$1" link set lo up
    ip link add "$3" netns "$pid" type veth peer name eth0 netns "$1" && ip -n "$1" addr add "$2" dev eth0 &&
        ip -n "$1" link set eth0 up
}
plug() {
    wire "$world" 192.0.2.2/24 em0
    wire "$guest" 10.77.0.10/24 em1
    ip -n "$guest" route add default via 10.77.0.1
    host sh -c 'sysctl net.inet.ip.forwarding=1; kldload -n if_bridge; sysctl net.link.bridge.pfil_member=0
        sysctl net.link.bridge.pfil_bridge=0; ifconfig em0 inet 192.0.2.1/24 up; ifconfig em1 up
        ifconfig bridge create name bh-nat group bhype inet 10.77.0.1/24 addm em1 up' >/dev/null
    listen "$world" 8080
    listen "$guest" 22
    sleep 0.5
}
plug

# The command
in_host 'no module' 1 '' 'pfctl: /dev/pf: No such file or directory' 'pfctl -s info'
in_host 'service without the module' 1 'pf.ko is not loaded' '' 'service pf onestatus'
in_host 'module' 0 '' '' 'kldload pf'
in_host 'disabled' 1 'Disabled' '' 'pfctl -s Running'
in_host 'not enabled' 1 '' 'pfctl: pf not enabled' 'pfctl -d'
in_host 'enable' 0 '' 'pf enabled' 'pfctl -e'
in_host 'enable twice' 1 '' 'pfctl: pf already enabled' 'pfctl -e'
check 'a user may not' 1 '' 'pfctl: /dev/pf: Permission denied' "$lab" exec --dir "$base/lab" --user nobody -- pfctl -s info
in_host 'usage' 1 '' "pfctl: Unknown show modifier 'foo'
usage: pfctl [-AdeghMmNnOPqRrvz] [-a anchor] [-D macro=value] [-F modifier]
	[-f file] [-i interface] [-K host | network]
	[-k host | network | gateway | label | id] [-o level] [-p device]
	[-s modifier] [-t table -T command [address ...]] [-x level]" 'pfctl -s foo'

# What is refused, and leaves everything as it was
check 'rules' 0 '' '' load 'block in quick from 203.0.113.9
pass'
check 'syntax error' 1 '' 'stdin:2: syntax error
pfctl: Syntax error in config file: pf rules not loaded' load 'pass
pass in on
pass'
check 'checked only' 1 '' 'stdin:1: syntax error' load 'pass in on' -n
[ "${LAB_RELEASE:-14.3}" = 13.2 ] && ethernet= || ethernet='ethernet, '
check 'order' 1 '' "stdin:2: Rules must be in order: options, ${ethernet}normalization, queueing, translation, filtering
pfctl: Syntax error in config file: pf rules not loaded" load 'pass
nat on em0 from any to any -> (em0)'
check 'no newline at the end' 1 '' 'stdin:1: syntax error
pfctl: Syntax error in config file: pf rules not loaded' sh -c "printf pass | '$lab' exec --dir '$base/lab' -- pfctl -f -"
check 'no file' 1 '' 'pfctl: /nothing: No such file or directory
pfctl: cannot open the main config file!: No such file or directory
pfctl: Syntax error in config file: pf rules not loaded' host pfctl -f /nothing
check 'what the lab has not' 70 '' "lab: pfctl: 'route-to' is not provided by the lab" load 'pass in route-to (em0 192.0.2.2)'
in_host 'old rules stay' 0 'block drop in quick inet from 203.0.113.9 to any
pass all flags S/SA keep state' '' 'pfctl -s rules'

# Translation in anchors
main='set skip on lo0
nat-anchor "bhype/*"
rdr-anchor "bhype/*"
anchor "bhype/*"'
not_reached 'no way back without NAT' "$guest" 192.0.2.2 8080
check 'NAT in an anchor' 0 '' '' load 'nat on em0 inet from 10.77.0.0/24 to any -> (em0)
rdr pass on em0 inet proto tcp from any to (em0) port 2222 -> 10.77.0.10 port 22' -a bhype/nat
not_reached 'nobody calls it' "$guest" 192.0.2.2 8080
check 'called' 0 '' '' load "$main"
reaches 'NAT' 'labpf-world sees 192.0.2.1' "$guest" 192.0.2.2 8080
reaches 'port forward' 'labpf-guest sees 192.0.2.2' "$world" 192.0.2.1 2222
not_reached 'no other port' "$world" 192.0.2.1 2223
in_host 'as shown' 0 'nat on em0 inet from 10.77.0.0/24 to any -> (em0) round-robin
rdr pass on em0 inet proto tcp from any to (em0) port = 2222 -> 10.77.0.10 port 22' '' 'pfctl -a bhype/nat -s nat'
in_host 'anchors' 0 '  bhype
  bhype/nat' '' 'pfctl -v -s Anchors'
in_host 'recursive' 0 'nat-anchor "bhype/*" all {
  nat-anchor "nat" all {
    nat on em0 inet from 10.77.0.0/24 to any -> (em0) round-robin
    rdr pass on em0 inet proto tcp from any to (em0) port = 2222 -> 10.77.0.10 port 22
  }
}' '' 'pfctl -a "*" -s nat | head -6'
check 'a state' 0 '' '*' sh -c "'$lab' exec --dir '$base/lab' -- pfctl -s states | grep -q 'all tcp 192.0.2.1:[56][0-9]* (10.77.0.10:[0-9]*) -> 192.0.2.2:8080 '"
host ifconfig em0 inet 192.0.2.1/24 -alias
host ifconfig em0 inet 192.0.2.7/24
sleep 1
reaches 'the address is followed' 'labpf-world sees 192.0.2.7' "$guest" 192.0.2.2 8080
host ifconfig em0 inet 192.0.2.7/24 -alias
host ifconfig em0 inet 192.0.2.1/24
sleep 1
in_host 'flush an anchor' 0 '' 'nat cleared' 'pfctl -a bhype/nat -F nat'
not_reached 'flushed' "$guest" 192.0.2.2 8080
in_host 'no such anchor' 0 '' 'pfctl: DIOCGETRULES: Invalid argument' 'pfctl -a bhype/nat -s nat'

# Filter rules
nat='nat on em0 inet from 10.77.0.0/24 to any -> (em0)'
check 'last match wins' 0 '' '' load "$nat
block all
pass in on bhype inet proto tcp to port 8080
pass out on em0"
reaches 'passed' 'labpf-world sees 192.0.2.1' "$guest" 192.0.2.2 8080
not_reached 'blocked' "$world" 192.0.2.1 22
check 'quick' 0 '' '' load "$nat
block return in quick on bh-nat proto tcp to port 8080
pass"
check 'blocked with an answer' 1 '' '*' ask "$guest" 192.0.2.2 8080
check 'refused at once' 0 '*Connection refused' '' sh -c "ip netns exec $guest timeout 1 socat - TCP:192.0.2.2:8080 2>&1 </dev/null | grep -o '.*Connection refused' | sed 's/.*Connection/*Connection/'"
check 'anchor with a body' 0 '' '' load "$nat
pass
anchor \"guests\" in on bh-nat {
block proto tcp to port 8080
}
anchor quick proto udp {
block
}"
not_reached 'blocked in the anchor' "$guest" 192.0.2.2 8080
in_host 'bodies' 0 'pass all flags S/SA keep state
anchor "guests" in on bh-nat all {
  block drop proto tcp from any to any port = 8080
}
anchor quick proto udp all {
  block drop all
}' '' 'pfctl -P -a "*" -s rules'
check 'not without a state' 0 '' '' load 'pass in quick on bh-nat no state
pass out quick on em0 no state
block'
not_reached 'the answer is blocked' "$guest" 192.0.2.2 8080
check 'tags' 0 '' '' load "$nat
block out on em0
pass in on bh-nat tag GUEST
pass out on em0 tagged GUEST"
reaches 'tagged' 'labpf-world sees 192.0.2.1' "$guest" 192.0.2.2 8080

# Tables
check 'table' 0 '' '' load "table <bad> persist { 10.77.0.0/24, !10.77.0.10 }
$nat
block in quick from <bad>
pass"
reaches 'an exception' 'labpf-world sees 192.0.2.1' "$guest" 192.0.2.2 8080
in_host 'add' 0 '' '1/2 addresses added.' 'pfctl -t bad -T add 10.77.0.10/32 192.0.2.2'
in_host 'show' 0 '   10.77.0.0/24
  !10.77.0.10
   192.0.2.2' '' 'pfctl -t bad -T show'
in_host 'delete' 0 '' '1/1 addresses deleted.' 'pfctl -t bad -T delete 10.77.0.10'
not_reached 'no exception' "$guest" 192.0.2.2 8080
in_host 'test' 2 '' '1/2 addresses match.' 'pfctl -t bad -T test 10.77.0.3 10.78.0.1'
in_host 'replace' 0 '' '1 addresses added.
2 addresses deleted.' 'pfctl -t bad -T replace 10.99.0.0/16'
reaches 'replaced' 'labpf-world sees 192.0.2.1' "$guest" 192.0.2.2 8080
in_host 'no such table' 255 '' 'pfctl: Table does not exist.' 'pfctl -t none -T show'
in_host 'tables' 0 'bad' '' 'pfctl -s Tables'
in_host 'counted' 0 '1' '' 'pfctl -v -s rules | grep -A1 "^pass all" | grep -c "Packets: [1-9]"'

# Service, disabling, reboot
host sh -c "printf '%s\n' '$nat' pass >/etc/pf.conf; sysrc pf_enable=YES >/dev/null"
in_host 'check' 0 'Checking pf rules.' '' 'service pf check'
in_host 'reload' 0 'Reloading pf rules.' '' 'service pf reload'
in_host 'status' 0 '*' '' 'service pf status'
in_host 'stop' 0 'Disabling pf.' '' 'service pf stop'
not_reached 'disabled' "$guest" 192.0.2.2 8080
in_host 'start' 0 'Enabling pf.' '' 'service pf start'
reaches 'started' 'labpf-world sees 192.0.2.1' "$guest" 192.0.2.2 8080
in_host 'flush everything' 0 '' '*' 'pfctl -F all'
in_host 'nothing is left' 0 '' '' 'pfctl -s rules; pfctl -s nat'
host sh -c "load() { :; }; echo 'pass' | pfctl -a kept -f -"
check 'reboot' 0 '' '*' "$lab" reboot --dir "$base/lab"
in_host 'at boot' 0 'Enabled
nat on em0 inet from 10.77.0.0/24 to any -> (em0) round-robin' '' 'pfctl -s Running; pfctl -s nat; pfctl -s Anchors'

echo "pf_test: $passed passed, $failures failed"
[ "$failures" = 0 ]
