/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -c cpus=4,sockets=1,cores=4,threads=1 \
    -m 8192M \
    -U 626e203b-8bf6-448c-a1e0-9b08987ee461 \
    -s 0,hostbridge \
    -s 3,ahci-cd,/tank/bhype/image/install.iso,ro \
    -s 4,nvme,/dev/zvol/tank/bhype/vm/typical-windows/disk0,ser=BHYPE-0000 \
    -s 10,e1000,tap0,mac=58:9c:fc:00:00:01 \
    -s 28,virtio-rnd \
    -s 29,fbuf,tcp=127.0.0.1:5907,w=1280,h=1024 \
    -s 30,xhci,tablet \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/typical-windows/uefi-vars.fd \
    -k /var/run/bhype/vm/typical-windows/bhyve.conf \
    typical-windows
