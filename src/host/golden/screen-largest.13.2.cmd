/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U d397b185-f754-4f11-af32-66b855385fdf \
    -s 0,hostbridge \
    -s 28,virtio-rnd \
    -s 29,fbuf,tcp=127.0.0.1:5907,w=1920,h=1200 \
    -s 30,xhci,tablet \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/screen-largest/uefi-vars.fd \
    -k /var/run/bhype/vm/screen-largest/bhyve.conf \
    screen-largest
