/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U 347bf1c9-adbd-44e5-ab5e-7c348e23348b \
    -s 0,hostbridge \
    -s '3,ahci-cd,/tank/my images/debian 12.iso,ro' \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/cd-path-with-spaces/uefi-vars.fd \
    cd-path-with-spaces
