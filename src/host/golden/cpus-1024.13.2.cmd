/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1024,sockets=1,cores=1024,threads=1 \
    -m 256M \
    -U f4f2b537-e07a-403f-a2d5-c5662e3b126a \
    -s 0,hostbridge \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/cpus-1024/uefi-vars.fd \
    cpus-1024
