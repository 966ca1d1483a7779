/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 1024M \
    -U 5c9df2a2-1011-40a8-add5-bbd445ef29e4 \
    -s 0,hostbridge \
    -s 4,virtio-blk,/dev/zvol/tank/bhype/vm/typical-openbsd/disk0,ser=BHYPE-0000 \
    -s 10,virtio-net,tap0,mac=58:9c:fc:00:00:01 \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/typical-openbsd/uefi-vars.fd \
    typical-openbsd
