/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U afe78128-4209-4914-a6f8-801c6613f29e \
    -s 0,hostbridge \
    -s 28,virtio-rnd \
    -s 29,fbuf,tcp=127.0.0.1:5907,w=1024,h=768 \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/screen-without-tablet/uefi-vars.fd \
    -k /var/run/bhype/vm/screen-without-tablet/bhyve.conf \
    screen-without-tablet
