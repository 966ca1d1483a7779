/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U 666cbcc8-c3d0-4f79-aaec-d40b6df9c097 \
    -s 0,hostbridge \
    -s '3,ahci-cd,/tank/Größe/日本.iso,ro' \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/cd-path-unicode/uefi-vars.fd \
    cd-path-unicode
