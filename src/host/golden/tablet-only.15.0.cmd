/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U df4a47b5-d06f-4b36-a320-8a641ff244fe \
    -s 0,hostbridge \
    -s 28,virtio-rnd \
    -s 30,xhci,tablet \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/tablet-only/uefi-vars.fd \
    tablet-only
