/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -S \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U aa0727d9-337a-4879-a24f-a8878b059e93 \
    -s 0,hostbridge \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/wired-and-local/uefi-vars.fd \
    wired-and-local
