/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U 2a091f29-eebf-497d-a056-2b29cb7c64b3 \
    -s 0,hostbridge \
    -s 4,ahci-hd,/dev/zvol/tank/bhype/vm/disk-ahci-hd/disk0,ser=BHYPE-0000 \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/disk-ahci-hd/uefi-vars.fd \
    disk-ahci-hd
