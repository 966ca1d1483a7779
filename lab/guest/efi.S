/* Tiny UEFI applications: one that says a line and restarts the machine, one that says a line and faults thrice.
 * Offsets are those of the UEFI specification 2.10, sections 4.3 (system table), 4.5 (runtime services) and 12.4. */
        .text
        .globl  _start
_start:
        push    %rbx
        sub     $32, %rsp
        mov     %rdx, %rbx
        mov     64(%rbx), %rcx          /* SystemTable->ConOut */
        lea     line(%rip), %rdx
        call    *8(%rcx)                /* OutputString */
#ifdef TRIPLE_FAULT
        lidt    nothing(%rip)
        int3
#endif
        mov     88(%rbx), %rax          /* SystemTable->RuntimeServices */
        xor     %ecx, %ecx              /* EfiResetCold */
        xor     %edx, %edx
        xor     %r8d, %r8d
        xor     %r9d, %r9d
        call    *104(%rax)              /* ResetSystem */
1:      hlt
        jmp     1b

        .data
line:
#ifdef TRIPLE_FAULT
        .string16 "tiny-fault: a triple fault now\r\n"
#else
        .string16 "tiny-reset: restarting at once\r\n"
#endif
        .balign 8
nothing:
        .word   0
        .quad   0

/* An empty block of relocations: firmware takes an image without any for one that must not be moved. */
        .section .reloc, "a"
        .long   0
        .long   10
        .word   0
