/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 32M \
    -U d04f498a-a6a0-4271-a1ab-be04a14eb80f \
    -s 0,hostbridge \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/memory-32m/uefi-vars.fd \
    memory-32m
