/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U 819f9360-68cc-4bca-a2b9-75cb4affaf9b \
    -s 0,hostbridge \
    -s 3,ahci-cd,/tank/a=b/c.iso,ro \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/cd-path-equals/uefi-vars.fd \
    cd-path-equals
