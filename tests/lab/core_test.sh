#!/bin/sh
# The lab's core: labs come up, behave as FreeBSD does, and leave nothing behind. Needs root.
#   core_test.sh PATH-OF-BHYPE-LAB
set -u
lab=${1:?usage: core_test.sh PATH-OF-BHYPE-LAB}
[ "$(id -u)" = 0 ] || { echo "core_test: skipped, a lab needs root"; exit 77; }
base=$(mktemp -d)
. "$(dirname "$0")/check.sh"

one() { "$lab" exec --dir "$base/one" "$@"; }
two() { "$lab" exec --dir "$base/two" "$@"; }
in_one() { check "$1" "$2" "$3" "$4" one -- sh -c "$5"; }
in_two() { check "$1" "$2" "$3" "$4" two -- sh -c "$5"; }
processes() { ls -d /proc/[0-9]* | wc -l; }
networks() { readlink /proc/[0-9]*/ns/net 2>/dev/null | sort -u | wc -l; }
trap '"$lab" down --dir "$base/one"; "$lab" down --dir "$base/two"; rm -rf "$base"' EXIT

mounts_before=$(sort /proc/self/mounts) networks_before=$(networks)
check 'two labs come up' 0 '*' '*' "$lab" up --dir "$base/one" --release 14.3 --disks 2x20G \
    --account dev1:secret:bhype --account boss:pass:wheel,operator
check 'the second one too' 0 '*' '*' "$lab" up --dir "$base/two" --release 13.2 --slow --memory 4G
one_pid=$(cut -d' ' -f1 "$base/one/pid") two_pid=$(cut -d' ' -f1 "$base/two/pid")

# exec
in_one 'exit status' 7 '' '' 'exit 7'
in_one 'a signal' 143 '' '*' 'kill -TERM $$'
check 'no such command' 127 '' 'lab: nothing: No such file or directory' one -- nothing
check 'standard input' 0 'words' '' sh -c "echo words | '$lab' exec --dir '$base/one' -- cat"
check 'a user' 0 'dev1 1001 bhype' '' one --user dev1 -- sh -c 'echo $(id -un) $(id -u) $(id -Gn | cut -d" " -f2)'
check 'no such user' 125 '' 'lab: no such user: nobody2' one --user nobody2 -- true
check 'a terminal' 0 '*' '*' script -qec "'$lab' exec --dir '$base/one' -- sh -c 'test -t 0 && test -t 1'" /dev/null
check 'none without one' 1 '' '' one -- test -t 0 </dev/null

# A FreeBSD host's face
in_one 'release' 0 '14.3-RELEASE' '' 'freebsd-version'
in_two 'another release' 0 '13.2-RELEASE' '' 'freebsd-version'
in_one 'masked programs' 0 '' '' 'for p in ip systemctl apt-get useradd modprobe; do command -v $p; done; true'
in_one 'groups' 0 'wheel:*:0:root,boss' '' 'grep ^wheel /etc/group'
in_one 'only the lab has the account' 0 'dev1' '' 'id -un 1001'
check 'the machine has not' 1 '' '' grep -q '^dev1:' /etc/passwd

# sysctl, modules, disks
in_one 'sysctl' 0 'hw.physmem: 8589934592
1403000' '' 'sysctl hw.physmem; sysctl -n kern.osreldate'
in_two 'memory' 0 '4294967296' '' 'sysctl -n hw.physmem'
in_one 'unknown oid' 1 '' "sysctl: unknown oid 'hw.foo'" 'sysctl hw.foo'
in_one 'read only' 1 '' "sysctl: oid 'hw.ncpu' is read only" 'sysctl hw.ncpu=9'
in_one 'module brings oids' 0 '0' '*' 'sysctl -n net.link.bridge.pfil_member 2>/dev/null; kldload if_bridge && sysctl -n net.link.bridge.pfil_member'
in_one 'loaded twice' 1 '' "kldload: can't load if_bridge: module already loaded or in kernel" 'kldload if_bridge'
in_one 'loaded twice, -n' 0 '' '' 'kldload -n if_bridge'
in_one 'no such module' 1 '' "kldload: can't load foo: No such file or directory" 'kldload foo'
in_one 'kldstat -q' 1 '' '' 'kldstat -q -m vmm'
in_one 'disks' 0 'nda1 nda0' '' 'sysctl -n kern.disks'
in_one 'geom' 0 'Geom name: nda1
Providers:
1. Name: nda1
   Mediasize: 21474836480 (20G)
   Sectorsize: 512
   Mode: r0w0e0
   descr: Lab Disk
   ident: LAB00001
   rotationrate: 0
   fwsectors: 0
   fwheads: 0' '' 'geom disk list nda1'
in_one 'no such disk' 1 '' "geom: Class 'DISK' does not have an instance named 'foo'." 'geom disk list foo'

# ifconfig
in_one 'create and name' 0 'bh-nat' '' 'ifconfig bridge create name bh-nat group bhype inet 10.77.0.1/24 up'
in_one 'create a tap' 0 'tap0' '' 'ifconfig tap create group bhype description "bhype vm/web1/nic0"'
in_one 'explicit unit' 0 '' '' 'ifconfig tap7 create'
in_one 'unit taken' 1 '' 'ifconfig: interface tap7 already exists' 'ifconfig tap7 create'
in_one 'name that was made is told although the rest fails' 1 'tap1' 'ifconfig: BRDGADD nothing: Invalid argument' 'ifconfig tap create addm nothing'
in_one 'addm' 0 '' '' 'ifconfig bh-nat addm tap0'
in_one 'addm twice' 1 '' 'ifconfig: BRDGADD tap0: File exists' 'ifconfig bh-nat addm tap0'
in_one 'other bridge' 1 'bridge1' 'ifconfig: BRDGADD tap0: Device busy' 'ifconfig bridge create addm tap0'
in_one 'deletem of a stranger' 1 '' 'ifconfig: BRDGDEL tap7: No such file or directory' 'ifconfig bh-nat deletem tap7'
in_one 'bridge' 0 'bh-nat: flags=1008843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST,LOWER_UP> metric 0 mtu 1500
	options=0
	ether MAC
	inet 10.77.0.1 netmask 0xffffff00 broadcast 10.77.0.255
	id 00:00:00:00:00:00 priority 32768 hellotime 2 fwddelay 15
	maxage 20 holdcnt 6 proto rstp maxaddr 2000 timeout 1200
	root id 00:00:00:00:00:00 priority 32768 ifcost 0 port 0
	member: tap0 flags=143<LEARNING,DISCOVER,AUTOEDGE,AUTOPTP>
	        ifmaxaddr 0 port N priority 128 path cost 2000000
	groups: bridge bhype
	nd6 options=9<PERFORMNUD,IFDISABLED>' '' 'ifconfig bh-nat | sed "s/ether 58:9c:fc:10:..:..$/ether MAC/; s/port [0-9]* pri/port N pri/"'
in_one 'tap' 0 'tap0: flags=8903<UP,BROADCAST,PROMISC,SIMPLEX,MULTICAST> metric 0 mtu 1500
	description: bhype vm/web1/nic0
	options=80000<LINKSTATE>
	ether MAC
	groups: tap bhype
	media: Ethernet 1000baseT <full-duplex>
	status: no carrier
	nd6 options=29<PERFORMNUD,IFDISABLED,AUTO_LINKLOCAL>' '' 'ifconfig tap0 up; ifconfig tap0 | sed "s/ether 58:9c:fc:10:..:..$/ether MAC/"'
in_one 'group' 0 'bh-nat
tap0' '' 'ifconfig -g bhype'
in_one 'names' 0 'em0 lo0 bh-nat tap0 tap7 tap1 bridge1' '' 'ifconfig -l'
in_one 'no such interface' 1 '' 'ifconfig: interface foo0 does not exist' 'ifconfig foo0'
in_one 'no such kind' 1 '' 'ifconfig: SIOCIFCREATE2 (foo0): Invalid argument' 'ifconfig foo0 create'
in_one 'no clone' 1 '' 'ifconfig: SIOCIFDESTROY: Invalid argument' 'ifconfig lo0 destroy'
in_one 'mask' 1 '' 'ifconfig: ERROR: setting interface address without mask is no longer supported.' 'ifconfig bh-nat inet 10.1.1.1'
in_one 'a user may look' 0 '*' '' 'su dev1 -c "ifconfig -a"'
check 'a user may not change' 1 '' 'ifconfig: up: permission denied' one --user dev1 -- ifconfig tap0 up
in_one 'MTU of a new member follows the bridge from 14 on' 0 'mtu 1500' '' 'ifconfig tap7 mtu 9000 && ifconfig bh-nat addm tap7 && ifconfig tap7 | grep -o "mtu .*"'
in_two 'MTU of a new member is refused on 13' 1 'bridge0
tap0
tap1' 'ifconfig: BRDGADD tap1: Invalid argument' 'ifconfig bridge create; ifconfig tap create; ifconfig tap create; ifconfig tap1 mtu 9000; ifconfig bridge0 addm tap0 && ifconfig bridge0 addm tap1'
in_two '13 shows no empty options' 0 '0' '' 'ifconfig bridge0 | grep -c options=0; true'
in_two 'slow devices' 0 'late' '' 'ifconfig tap9 create; test -e /dev/tap9 || sleep 0.6; test -e /dev/tap9 && echo late'

# An open tap: the last close takes it down, destroy waits.
holder='import fcntl,struct,time,sys,os
f=os.open("/dev/net/tun",os.O_RDWR)
fcntl.ioctl(f,0x400454ca,struct.pack("16sH22x",b"tap0",0x1002))
print("open",flush=True)
time.sleep(float(sys.argv[1]))'
if one -- test -x /usr/local/bin/python3; then
    in_one 'open tap' 0 'open
status: active
Opened by PID' '' "python3 -c '$holder' 1.5 & sleep 0.5; ifconfig tap0 | grep -o -e 'status: active' -e 'Opened by PID'; wait"
    in_one 'down after the last close' 0 '8902' '' 'sleep 1.2; ifconfig tap0 | sed -n "s/.*flags=\([0-9a-f]*\)<.*/\1/p"'
    in_one 'second open is refused' 1 'open' '*' "python3 -c '$holder' 1 & sleep 0.4; python3 -c '$holder' 1; s=\$?; wait; exit \$s"
    in_one 'destroy waits' 0 'open
waited' '' "python3 -c '$holder' 1.5 & sleep 0.5; timeout 0.3 ifconfig tap0 destroy || echo waited; wait; ifconfig tap0 destroy"
fi
in_one 'destroy' 0 '' '' 'ifconfig bh-nat destroy; ifconfig bh-nat 2>/dev/null; test ! -e /dev/tap0'

# rc.conf, services, daemon(8)
in_one 'sysrc' 0 'nginx_enable:  -> YES
YES' '' 'sysrc nginx_enable=YES; sysrc -n nginx_enable'
in_one 'sysrc unknown' 1 '' "sysrc: unknown variable 'foo'" 'sysrc -n foo'
in_one 'sysrc +=' 0 'kld_list:  -> nmdm
kld_list: nmdm -> nmdm vmm
kld_list: nmdm vmm -> vmm' '' 'sysrc kld_list+=nmdm; sysrc kld_list+=" vmm"; sysrc kld_list-=nmdm'
in_one 'sysrc -c' 1 '' '' 'sysrc -c kld_list=vmm && sysrc -c kld_list=pf'
in_one 'no such service' 1 'foo does not exist in /etc/rc.d or the local startup
directories (/usr/local/etc/rc.d), or is not executable' '' 'service foo start'
in_one 'not enabled' 0 "Cannot 'start' dnsmasq. Set dnsmasq_enable to YES in /etc/rc.conf or use 'onestart' instead of 'start'." '' 'service dnsmasq start'
in_one 'service' 0 '*' '*' 'service nginx start && service nginx status && service nginx onereload'
in_one 'started twice' 1 '' '*' 'service nginx start'
in_one 'stopped' 1 'nginx is not running.' '*' 'service nginx stop >/dev/null && service nginx onestatus'
one -- sh -c 'cat >/usr/local/etc/rc.d/sleeper; chmod 755 /usr/local/etc/rc.d/sleeper' <<'RC'
#!/bin/sh
# PROVIDE: sleeper
# REQUIRE: NETWORKING
# KEYWORD: shutdown
. /etc/rc.subr
name=sleeper
rcvar=sleeper_enable
load_rc_config $name
: ${sleeper_enable:=NO}
pidfile=/var/run/sleeper.pid
procname=/usr/sbin/daemon
command=/usr/sbin/daemon
command_args="-f -r -R 1 -P $pidfile -p /var/run/sleeper.child -o /var/log/sleeper.log sh -c 'echo started; exec sleep 1000'"
stop_postcmd="echo stopped >>/var/log/sleeper.log"
run_rc_command "$1"
RC
in_one 'daemon -r starts its child again' 0 'Starting sleeper.
started
started' '' 'service sleeper onestart; sleep 0.3; kill -9 $(cat /var/run/sleeper.child); sleep 1.4; cat /var/log/sleeper.log; kill -0 $(cat /var/run/sleeper.child)'
in_one 'daemon waits for whoever has its child'"'"'s output' 0 '1 2' '' 'daemon -r -R 1 -P /var/run/w.pid sh -c "echo >>/var/run/w; sleep 3 & sleep 0.2"
    sleep 2.2; echo $(wc -l </var/run/w) $(sleep 2.5; wc -l </var/run/w); kill $(cat /var/run/w.pid)'
in_one 'daemon: one at a time' 3 '' '*' 'daemon -P /var/run/sleeper.pid sleep 5'
in_one 'enabled for the next boot' 0 '*' '' 'sysrc sleeper_enable=YES'

# pw(8)
in_one 'groupadd' 0 'ops:*:2002:' '' 'pw groupadd ops && pw groupshow ops'
in_one 'groupadd of one that is there' 65 '' "pw: group name \`ops' already exists" 'pw groupadd ops'
in_one 'useradd' 0 'uid=850(svc) gid=2002(ops) groups=2002(ops),80(www)' '' 'pw useradd svc -u 850 -g ops -G www -d /nonexistent -s /usr/sbin/nologin -c Service && id svc'
in_one 'useradd of one that is there' 65 '' "pw: login name \`svc' already exists" 'pw useradd svc -g ops'
in_one 'useradd without its group' 65 '' "pw: group \`none' does not exist" 'pw useradd svc2 -g none'
in_one 'groupmod' 0 'ops:*:2002:dev1' '' 'pw groupmod ops -m dev1 && pw groupshow ops'
in_one 'usershow of nobody' 67 '' "pw: no such user \`svc2'" 'pw usershow svc2'
check 'pw wants root' 77 '' 'pw: you must be root' one --user dev1 -- pw groupadd more

# faults and the log of calls
check 'fail' 0 '' '' "$lab" fail --dir "$base/one" sysctl 2 --exit 3 --stderr 'sysctl: broken'
in_one 'not the first' 0 '2' '' 'sysctl -n hw.pagesize | cut -c1 | tr 4 2'
in_one 'the second' 3 '' 'sysctl: broken' 'sysctl -n hw.pagesize'
in_one 'not the third' 0 '4096' '' 'sysctl -n hw.pagesize'
check 'fail with arguments' 0 '' '' "$lab" fail --dir "$base/one" 'sysctl -n hw.ncpu' 1 --exit 5
in_one 'other arguments pass' 0 '4096' '' 'sysctl -n hw.pagesize'
in_one 'these do not' 5 '' '' 'sysctl -n hw.ncpu'
check 'fail of an unknown command' 2 '' '*' "$lab" fail --dir "$base/one" frobnicate 1 --exit 5
check 'hang' 0 '' '' "$lab" fail --dir "$base/one" sysctl 1 --hang 1
in_one 'hangs, then runs' 0 '4096 1' '' 's=$(date +%s%N); v=$(sysctl -n hw.pagesize); echo $v $((($(date +%s%N) - s) / 1000000000))'
"$lab" calls --dir "$base/one" --clear
one -- sh -c 'sysctl -n hw.foo; kldload -n if_bridge' 2>/dev/null
check 'calls' 0 '1 MS 0 sysctl -n hw.foo
0 MS 0 kldload -n if_bridge' '' sh -c "'$lab' calls --dir '$base/one' | sed 's/ [0-9.]* / MS /'"

# PAM
one -- sh -c 'printf "auth required pam_unix.so no_warn try_first_pass\naccount required pam_login_access.so\naccount required pam_unix.so\n" >/usr/local/etc/pam.d/try'

# power loss and shutdown
one -- sh -c 'touch /var/run/a-file /var/db/kept; mkdir -p /var/run/a-folder; sleep 1000 &' >/dev/null
check 'reboot' 0 '' '*' "$lab" reboot --dir "$base/one"
check 'all processes are gone' 0 '' '' sh -c "! grep -sq '^State:.[^ZX]' /proc/$one_pid/status"
in_one 'after the reboot' 0 'a-folder kept em0 lo0' '' 'test ! -e /var/run/a-file; echo $(cd /var/run; ls -d a-f*) $(cd /var/db; ls kept) $(ifconfig -l)'
in_one 'enabled service runs again' 0 '*' '' 'service sleeper onestatus'
in_one 'log of its end' 0 'started
started
started' '' 'cat /var/log/sleeper.log'
in_one 'policies for PAM' 0 '*' '' 'grep -q pam_access /etc/pam.d/try && grep -q "pam_unix.so nodelay" /etc/pam.d/try'
pam='import ctypes as c,ctypes.util,sys
class M(c.Structure): _fields_=[("style",c.c_int),("msg",c.c_char_p)]
class R(c.Structure): _fields_=[("resp",c.c_void_p),("code",c.c_int)]
F=c.CFUNCTYPE(c.c_int,c.c_int,c.POINTER(c.POINTER(M)),c.POINTER(c.POINTER(R)),c.c_void_p)
class V(c.Structure): _fields_=[("conv",F),("data",c.c_void_p)]
libc=c.CDLL("libc.so.6"); libc.calloc.restype=c.c_void_p; libc.strdup.restype=c.c_void_p
pam=c.CDLL("libpam.so.0")
def answer(n,m,r,d):
    a=libc.calloc(n,c.sizeof(R)); r[0]=c.cast(a,c.POINTER(R))
    for i in range(n): r[0][i].resp=libc.strdup(sys.argv[2].encode())
    return 0
v=V(F(answer),None); h=c.c_void_p()
pam.pam_start(b"try",sys.argv[1].encode(),c.byref(v),c.byref(h))
pam.pam_set_item(h,4,b"192.0.2.1")
print(pam.pam_authenticate(h,0) or pam.pam_acct_mgmt(h,0))'
if one -- test -x /usr/local/bin/python3; then
    check 'PAM takes the right password' 0 0 '' one -- python3 -c "$pam" dev1 secret
    check 'PAM refuses a wrong one' 0 7 '' one -- python3 -c "$pam" dev1 wrong
    check 'PAM knows no such user' 0 10 '' one -- python3 -c "$pam" nobody3 secret
    one -- sh -c 'echo "-:boss:ALL" >/etc/login.access'
    check 'login.access refuses' 0 6 '' one -- python3 -c "$pam" boss pass
    check 'login.access lets others in' 0 0 '' one -- python3 -c "$pam" dev1 secret
fi
check 'shutdown' 0 '*' '*' "$lab" shutdown --dir "$base/one"
check 'stopped in order' 0 'stopped' '' tail -n 1 "$base/one/root/var/log/sleeper.log"
check 'nothing runs' 125 '' '*' one -- true
check 'up again' 0 '*' '*' "$lab" up --dir "$base/one"
in_one 'kept' 0 '' '' 'test -e /var/db/kept'
check 'up while up tells the address' 0 '*' '' "$lab" up --dir "$base/one"
check 'the other lab never noticed' 0 '' '' kill -0 "$two_pid"

# the web address
one -- sh -c 'mkdir -p /usr/local/www; cd /usr/local/www; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=lab -keyout key -out cert 2>/dev/null
printf "events {}\nhttp { server { listen 443 ssl; ssl_certificate /usr/local/www/cert; ssl_certificate_key /usr/local/www/key; location / { return 200 hello; } } }\n" >/usr/local/etc/nginx/nginx.conf; service nginx onerestart' >/dev/null 2>&1
check 'web address' 0 'hello' '' sh -c "curl -sk \$('$lab' address --dir '$base/one')"
in_one 'nginx works as www' 0 'root
www' '' 'ps -o user= -C nginx | sort -u'

check 'down' 0 '' '' "$lab" down --dir "$base/one"
check 'down of the other' 0 '' '' "$lab" down --dir "$base/two"
check 'down of nothing' 0 '' '' "$lab" down --dir "$base/two"
check 'folders are gone' 1 '' '' test -e "$base/one" -o -e "$base/two"
[ "$(sort /proc/self/mounts)" = "$mounts_before" ] || { failures=$((failures + 1)); echo "FAILED: mounts left behind"; }
[ "$(networks)" = "$networks_before" ] || { failures=$((failures + 1)); echo "FAILED: network namespaces left behind"; }
echo "core_test: $passed passed, $failures failed"
[ "$failures" = 0 ]
