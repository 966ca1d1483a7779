/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=16,sockets=1,cores=16,threads=1 \
    -m 256M \
    -U 8a5c37f7-3301-4090-a0e2-47035b84544e \
    -s 0,hostbridge \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/cpus-16/uefi-vars.fd \
    cpus-16
