/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U 020edc52-9d0e-4ce0-a043-0de154e04582 \
    -s 0,hostbridge \
    -s 4,virtio-blk,/dev/zvol/tank/bhype/vm/disk-virtio-blk/disk0,ser=BHYPE-0000 \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/disk-virtio-blk/uefi-vars.fd \
    disk-virtio-blk
