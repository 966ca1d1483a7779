/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U bc48f6eb-522a-4b0a-a147-81800db98efd \
    -s 0,hostbridge \
    -s 4,nvme,/dev/zvol/tank/bhype/vm/gaps-stay/disk0,ser=BHYPE-0000 \
    -s 20,nvme,/dev/zvol/tank/bhype/vm/gaps-stay/disk2,ser=BHYPE-0002 \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/gaps-stay/uefi-vars.fd \
    gaps-stay
