/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U b2a7638e-f54a-4daf-abb0-7fa140905c72 \
    -s 0,hostbridge \
    -s 1,virtio-net,tap1,mac=58:9c:fc:00:00:02 \
    -s 2,nvme,/dev/zvol/tank/bhype/vm/order-of-slots/disk1,ser=BHYPE-0001 \
    -s 5,virtio-net,tap0,mac=58:9c:fc:00:00:01 \
    -s 9,nvme,/dev/zvol/tank/bhype/vm/order-of-slots/disk0,ser=BHYPE-0000 \
    -s 27,ahci-cd,/tank/bhype/image/install.iso,ro \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/order-of-slots/uefi-vars.fd \
    order-of-slots
