/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=3,sockets=1,cores=3,threads=1 \
    -m 256M \
    -U b99c20d8-a751-4eb4-a2a3-3c24c4a013ce \
    -s 0,hostbridge \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/cpus-3/uefi-vars.fd \
    cpus-3
