/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U 1d80d560-32c7-437d-a3cc-4f5805d381e0 \
    -s 0,hostbridge \
    -s 4,nvme,/dev/zvol/tank/bhype/vm/serial-longest/disk0,ser=ABCDEFGHIJ0123456789 \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/serial-longest/uefi-vars.fd \
    serial-longest
