/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U 54ab9611-4c86-4f19-af4d-7350adf2724d \
    -s 0,hostbridge \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/clock-localtime/uefi-vars.fd \
    clock-localtime
