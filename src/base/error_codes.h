#pragma once

// The one table of error codes. X(name, id, HTTP status, title, what to do next).
// An id is stable for ever: scripts and the documentation refer to it.
#define BHYPE_ERROR_CODES(X)                                                                                 \
    X(invalid_request, "api.invalid_request", 400, "The request is not valid JSON or not valid HTTP",        \
      "Send a JSON object as the OpenAPI document describes it.")                                            \
    X(invalid_field, "api.invalid_field", 422, "Some fields are not valid",                                  \
      "Correct the fields that are named and send the request again.")                                       \
    X(too_large, "api.too_large", 413, "The request is too large", "Send less in one request.")              \
    X(unsupported_type, "api.unsupported_media_type", 415, "The body is not JSON",                           \
      "Send Content-Type: application/json.")                                                                \
    X(not_found, "api.not_found", 404, "There is no such thing",                                             \
      "Check the name; objects that you may not see look the same as missing ones.")                         \
    X(method_not_allowed, "api.method_not_allowed", 405, "This address does not take that method",           \
      "See the Allow header.")                                                                               \
    X(not_acceptable_origin, "access.bad_origin", 403, "The request comes from another site",                \
      "Open the interface at its own address.")                                                              \
    X(no_session, "access.no_session", 401, "You are not logged in", "Log in and repeat the request.")       \
    X(bad_credentials, "access.bad_credentials", 401, "User name or password is wrong",                      \
      "Check both; after five failures log-in waits for a while.")                                           \
    X(too_many_attempts, "access.too_many_attempts", 429, "Too many failed log-ins",                         \
      "Wait for the time that Retry-After gives.")                                                           \
    X(forbidden, "access.forbidden", 403, "Your role does not allow this",                                   \
      "Ask an administrator of the host (group wheel).")                                                     \
    X(precondition_failed, "api.precondition_failed", 412, "It was changed in the meantime",                 \
      "Read it again and repeat the change on what it is now.")                                              \
    X(key_reused, "api.idempotency_key_reused", 422, "This Idempotency-Key was used for another request",    \
      "Use a new key for a new request.")                                                                    \
    X(busy, "task.busy", 409, "Another task works on this object", "Wait for that task or cancel it.")       \
    X(cancelled, "task.cancelled", 409, "The task was cancelled",                                            \
      "Nothing to do; what was begun is undone.")                                                            \
    X(interrupted, "task.interrupted", 409, "bHype stopped in the middle of the task",                       \
      "What was half made is removed, what was whole is kept: look, and repeat the command if need be.")     \
    X(needs_attention, "task.needs_attention", 409, "The task could not be finished",                        \
      "Look at the objects that the task lists.")                                                            \
    X(task_not_cancellable, "task.not_cancellable", 409, "This task can no longer be cancelled",             \
      "Wait until it ends.")                                                                                 \
    X(vm_name_taken, "vm.name_taken", 409, "A VM of that name exists", "Choose another name.")               \
    X(vm_not_running, "vm.not_running", 409, "The VM is not running", "Start it first.")                     \
    X(vm_running, "vm.running", 409, "The VM is running", "Stop it first.")                                  \
    X(vm_deaf, "vm.did_not_react", 409, "The guest did not react to the power button",                       \
      "Shut it down from inside, or use kill: the guest then loses what it has not written.")                \
    X(vm_start_failed, "vm.start_failed", 409, "bhyve did not start the VM",                                 \
      "Read bhyve's own words in the detail.")                                                               \
    X(vm_no_memory, "vm.no_memory", 409, "The host has not enough free memory",                              \
      "Stop another VM or give this one less memory.")                                                       \
    X(vm_no_cpus, "vm.too_many_cpus", 409, "More vCPUs than hw.vmm.maxcpu allows",                           \
      "Give the VM fewer vCPUs.")                                                                            \
    X(vm_no_switch, "vm.no_switch", 409, "The VM's switch is missing", "Run `bhype doctor`.")                \
    X(vm_file_missing, "vm.file_missing", 409, "A file that the VM needs is missing",                        \
      "Put the file in its place or remove the device.")                                                     \
    X(vm_refused, "vm.refused", 409, "The VM cannot be made or started on this host as it is",               \
      "Each problem says what it asks for.")                                                                 \
    X(vm_definition_broken, "vm.definition_broken", 409, "The VM's definition cannot be used",               \
      "Correct the vm.toml that is named, as root; bHype reads it again within a minute.")                   \
    X(template_broken, "template.broken", 409, "The template cannot be used",                                \
      "Correct the template file that is named.")                                                            \
    X(checksum, "template.checksum", 409, "The media have another checksum than the template says",          \
      "Fetch the media again, or correct the template if they changed on purpose.")                          \
    X(no_space, "storage.no_space", 409, "The pool has not enough free space", "Free space in the pool.")    \
    X(no_pool, "storage.no_pool", 409, "bHype has no ZFS pool yet", "Run `bhype setup`.")                    \
    X(pool_exists, "storage.pool_exists", 409, "A pool of that name exists", "Use it, or another name.")     \
    X(disk_in_use, "storage.disk_in_use", 409, "A disk is in use", "Choose another disk.")                   \
    X(dataset_exists, "storage.dataset_exists", 409, "A dataset of that name exists and is not bHype's",     \
      "Rename or remove it, or choose another name.")                                                        \
    X(dataset_missing, "storage.dataset_missing", 409, "A dataset is missing", "Run `bhype doctor`.")        \
    X(command_failed, "host.command_failed", 409, "A command of the host failed",                            \
      "Its own words are in the detail.")                                                                    \
    X(command_timeout, "host.command_timeout", 409, "A command of the host did not end in time",             \
      "Look at the host: a disk or a device may hang.")                                                      \
    X(command_missing, "host.command_missing", 409, "A program is missing on the host",                      \
      "Install the package that has it; `bhype doctor` names it.")                                           \
    X(output_unexpected, "host.output_unexpected", 409, "A command printed something unexpected",            \
      "Report this with the output in the detail.")                                                          \
    X(dataset_busy, "storage.dataset_busy", 409, "A dataset or pool is in use",                              \
      "Stop what uses it: a VM, a program that has a file open in it, a hold on a snapshot.")                \
    X(dataset_has_clones, "storage.has_clones", 409, "Other datasets are clones of it",                      \
      "Destroy the clones that the detail names, or zfs promote them; then repeat the command.")             \
    X(policy, "host.refused", 403, "bhype-hostd refuses this operation",                                     \
      "The host's policy is in hostd.toml; only root can change it.")                                        \
    X(hostd_away, "host.no_hostd", 503, "bhype-hostd does not answer", "Run `service bhype_hostd start`.")   \
    X(vmd_away, "host.no_vmd", 503, "The VM's supervisor does not answer",                                   \
      "Wait a few seconds; it is started again.")                                                            \
    X(result_unknown, "host.result_unknown", 503, "The outcome of an operation is not known",                \
      "bHype looks at the host and says what it found.")                                                     \
    X(database, "store.failed", 503, "The database failed",                                                  \
      "Look at /var/log/bhype and at the disk's space.")                                                     \
    X(bad_configuration, "base.bad_configuration", 500, "The configuration is not valid",                    \
      "Correct the file and line that are named.")                                                           \
    X(overloaded, "api.overloaded", 503, "bHype has more requests than it can handle",                       \
      "Wait a moment and repeat the request.")                                                               \
    X(console_in_use, "console.in_use", 409, "Somebody else uses this console", "Watch, or take it over.")   \
    X(console_ticket, "console.bad_ticket", 403, "The console ticket is not valid",                          \
      "Ask for a new one; a ticket is good for one use within 30 seconds.")                                  \
    X(internal, "base.internal", 500, "bHype made a mistake", "Report this with the log's last lines.")
