/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=2,sockets=1,cores=2,threads=1 \
    -m 1024M \
    -U 3fe38d9c-e9cb-4b9c-a18c-9fb6989b794c \
    -s 0,hostbridge \
    -s 4,virtio-blk,/dev/zvol/tank/bhype/vm/typical-freebsd/disk0,ser=BHYPE-0000 \
    -s 10,virtio-net,tap0,mac=58:9c:fc:00:00:01 \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/typical-freebsd/uefi-vars.fd \
    typical-freebsd
