/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U 50c844bc-0c72-4eb6-a3d2-c7a382eb6d26 \
    -s 0,hostbridge \
    -s 4,nvme,/dev/zvol/tank/bhype/vm/disks-mixed/disk0,ser=BHYPE-0000 \
    -s 5,virtio-blk,/dev/zvol/tank/bhype/vm/disks-mixed/disk1,ser=BHYPE-0001 \
    -s 6,ahci-hd,/dev/zvol/tank/bhype/vm/disks-mixed/disk2,ser=BHYPE-0002 \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/disks-mixed/uefi-vars.fd \
    disks-mixed
