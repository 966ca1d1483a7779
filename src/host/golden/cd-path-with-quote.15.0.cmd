/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U 0aac067e-0f0d-4c31-a939-fbe68bc2abd0 \
    -s 0,hostbridge \
    -s '3,ahci-cd,/tank/it'\''s here/$(id)`x`;&.iso,ro' \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/cd-path-with-quote/uefi-vars.fd \
    cd-path-with-quote
