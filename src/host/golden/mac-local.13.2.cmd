/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U 3c00d0a9-d4c2-4b08-aaa3-32ef66828e51 \
    -s 0,hostbridge \
    -s 10,virtio-net,tap0,mac=02:00:de:ad:be:ef \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/mac-local/uefi-vars.fd \
    mac-local
