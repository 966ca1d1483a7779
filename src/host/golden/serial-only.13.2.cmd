/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U 39260e06-c643-480b-a202-3c700b005c76 \
    -s 0,hostbridge \
    -s 4,nvme,/dev/zvol/tank/bhype/vm/serial-only/disk0,ser=BHYPE-0000 \
    -s 10,virtio-net,tap0,mac=58:9c:fc:00:00:01 \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/serial-only/uefi-vars.fd \
    serial-only
