/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=1,sockets=1,cores=1,threads=1 \
    -m 256M \
    -U df4dc1ff-8f55-46e6-adab-5adab5093747 \
    -s 0,hostbridge \
    -s 28,virtio-rnd \
    -s 29,fbuf,tcp=127.0.0.1:5907,w=640,h=480 \
    -s 30,xhci,tablet \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/screen-smallest/uefi-vars.fd \
    -k /var/run/bhype/vm/screen-smallest/bhyve.conf \
    screen-smallest
