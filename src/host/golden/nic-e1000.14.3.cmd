/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U edd70e8f-2488-4290-a604-002ff46ed482 \
    -s 0,hostbridge \
    -s 10,e1000,tap0,mac=58:9c:fc:00:00:01 \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/nic-e1000/uefi-vars.fd \
    nic-e1000
