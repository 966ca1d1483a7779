/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U 931daeb9-25c3-46e9-a34c-62c0f6f55b93 \
    -s 0,hostbridge \
    -s 1,nvme,/dev/zvol/tank/bhype/vm/slot-first-and-last/disk0,ser=BHYPE-0000 \
    -s 27,nvme,/dev/zvol/tank/bhype/vm/slot-first-and-last/disk1,ser=BHYPE-0001 \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/slot-first-and-last/uefi-vars.fd \
    slot-first-and-last
