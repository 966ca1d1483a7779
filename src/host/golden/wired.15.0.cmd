/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -S \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U 5358fb4a-8625-4708-af26-41162bb59adf \
    -s 0,hostbridge \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/wired/uefi-vars.fd \
    wired
