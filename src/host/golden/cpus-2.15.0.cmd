/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=2,sockets=1,cores=2,threads=1 \
    -m 256M \
    -U 3ab6a88e-dac7-4604-a2d3-11a0768805c0 \
    -s 0,hostbridge \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/cpus-2/uefi-vars.fd \
    cpus-2
