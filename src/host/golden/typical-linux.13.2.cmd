/usr/sbin/bhyve \
    -A \
    -H \
    -P \
    -w \
    -u \
    -c cpus=2,sockets=1,cores=2,threads=1 \
    -m 2048M \
    -U 2b19d68f-3eae-49b5-a55d-8bc25267f481 \
    -s 0,hostbridge \
    -s 4,nvme,/dev/zvol/tank/bhype/vm/typical-linux/disk0,ser=BHYPE-0000 \
    -s 10,virtio-net,tap0,mac=58:9c:fc:00:00:01 \
    -s 28,virtio-rnd \
    -s 29,fbuf,tcp=127.0.0.1:5907,w=1024,h=768 \
    -s 30,xhci,tablet \
    -s 31,lpc \
    -l com1,/dev/pts/7 \
    -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd,/tank/bhype/vm/typical-linux/uefi-vars.fd \
    -k /var/run/bhype/vm/typical-linux/bhyve.conf \
    typical-linux
