/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U 0acb04dd-2703-4725-a515-436ce5a8be10 \
    -s 0,hostbridge \
    -s 4,nvme,/dev/zvol/tank/bhype/vm/disk-nvme/disk0,ser=BHYPE-0000 \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/disk-nvme/uefi-vars.fd \
    disk-nvme
