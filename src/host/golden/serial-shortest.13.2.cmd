/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U ae106787-c28a-40ad-a32c-8e5760ca7a81 \
    -s 0,hostbridge \
    -s 4,nvme,/dev/zvol/tank/bhype/vm/serial-shortest/disk0,ser=1 \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/serial-shortest/uefi-vars.fd \
    serial-shortest
