/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U de646cc4-5e52-4488-a58e-91f09b3090b2 \
    -s 0,hostbridge \
    -s 10,virtio-net,tap0,mac=58:9c:fc:00:00:01 \
    -s 28,virtio-rnd \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/nic-virtio-net/uefi-vars.fd \
    nic-virtio-net
