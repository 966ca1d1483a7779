/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U 41748805-2af2-4248-a61f-3e3566ed611c \
    -s 0,hostbridge \
    -s 10,virtio-net,tap0,mac=58:9c:fc:00:00:01 \
    -s 11,e1000,tap1,mac=58:9c:fc:00:00:02 \
    -s 12,virtio-net,tap2,mac=58:9c:fc:00:00:03 \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/nics-mixed/uefi-vars.fd \
    nics-mixed
