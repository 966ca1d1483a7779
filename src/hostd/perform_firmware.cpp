#include "hostd/context.h"

#include "host/bhyve.h"
#include "os/files.h"

#include <fcntl.h>
#include <unistd.h>

namespace bhype::hostd {

namespace {

constexpr auto variables = "uefi-vars.fd";
constexpr std::size_t longest = 16 << 20;

void write(Context& context, const DatasetName& dataset, const std::string& text) {
    const Fd directory = context.house.tree.open(dataset);
    os::write_file(directory.get(), variables, text, 0640, {0, context.house.tree.group()});
}

std::string shipped() {
    const Fd file(::open(host::firmware_place(host::firmware_variables).c_str(), O_RDONLY | O_CLOEXEC));
    std::string text(longest, '\0');
    const auto got = file ? ::read(file.get(), text.data(), text.size()) : 0;
    if (got < 4096)
        throw Error(Code::vm_file_missing, "BHYVE_UEFI_VARS.fd of package edk2-bhyve");
    text.resize(static_cast<std::size_t>(got));
    return text;
}

} // namespace

BHYPE_PERFORM(FirmwareCopy) {
    const auto where = being_made(operation.dataset);
    if (operation.from && a_vm(operation.from->dataset).pool != where.pool)
        throw Error(Code::policy, operation.from->dataset.str() + " is in another pool");
    context.require(where.pool);
    write(context, operation.dataset,
          operation.from ? context.house.tree.read_in_snapshot(operation.from->dataset, operation.from->label,
                                                               variables, longest)
                         : shipped());
    return {};
}

BHYPE_PERFORM(FirmwareRestore) {
    const auto where = a_vm(operation.dataset);
    context.require(where.pool);
    not_while_running(context, where);
    write(context, operation.dataset,
          context.house.tree.read_in_snapshot(operation.dataset, operation.label, variables, longest));
    return {};
}

} // namespace bhype::hostd
