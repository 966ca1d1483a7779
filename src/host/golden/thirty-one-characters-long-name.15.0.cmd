/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U 2173aa65-f940-4120-a2f4-6c76adca88ac \
    -s 0,hostbridge \
    -s 4,nvme,/dev/zvol/tank/bhype/vm/thirty-one-characters-long-name/disk0,ser=BHYPE-0000 \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/thirty-one-characters-long-name/uefi-vars.fd \
    thirty-one-characters-long-name
