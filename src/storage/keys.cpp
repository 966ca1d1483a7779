// Endpoints for the keys of encrypted pools.

#include "storage/endpoints.h"
#include "storage/tasks.h"

namespace bhype::storage {

namespace {

using access::Privilege;
using api::Call;
using api::Method;
using api::ok;
using api::Reply;

Reply keep(const Services& services, const GiveSecret& request) {
    const Fd reading = readable(request.secret);
    auto reply = ok(encode(services.host.call(host::SecretKeep{}, {.id = {}, .descriptor = reading.get()})));
    reply.status = 201;
    return reply;
}

PoolView encrypted(const Services& services, const Call& call) {
    auto pool = services.pools.look(named(call));
    if (!pool.encryption)
        throw Error(Code::policy, pool.name.str() + " is not encrypted");
    return pool;
}

Reply unlock(const Services& services, const Call& call, const UnlockPool& request) {
    const auto pool = encrypted(services, call);
    const bool passphrase = pool.encryption == host::KeyKind::passphrase;
    if (pool.locked && passphrase && !request.secret)
        throw Error(Code::invalid_field, {},
                    {{"secret",
                      "is missing: POST /api/v1/secrets takes the passphrase and gives what belongs here"}});
    if (!passphrase && request.secret)
        throw Error(Code::invalid_field, {}, {{"secret", "leave it out: the key is read from its file"}});
    return services.task_endpoints.start(call, "pool.unlock", object_of(pool.name),
                                         "Unlock pool " + pool.name.str(),
                                         encode(host::PoolUnlock{pool.name, request.secret}));
}

Reply lock(const Services& services, const Call& call) {
    const auto pool = encrypted(services, call);
    return services.task_endpoints.start(call, "pool.lock", object_of(pool.name),
                                         "Lock pool " + pool.name.str(), encode(host::PoolLock{pool.name}));
}

} // namespace

void add_key_endpoints(api::Router& router, Services& services) {
    router.add<GiveSecret, host::SecretKeepResult>(
        {.method = Method::post,
         .path = "/api/v1/secrets",
         .privilege = Privilege::administer,
         .summary = "Give a passphrase to bhype-hostd, which keeps it in memory for ten minutes; the answer "
                    "names it once in another request",
         .tag = "storage",
         .success = 201,
         .errors = {Code::overloaded}},
        [&](const Call&, const GiveSecret& request) { return keep(services, request); });
    services.task_endpoints.add<UnlockPool>(
        router,
        {.method = Method::post,
         .path = "/api/v1/pools/{pool}/unlock",
         .privilege = Privilege::administer,
         .summary = "Load the key of an encrypted pool and mount what is in it",
         .tag = "storage",
         .errors = {Code::key_wrong, Code::secret_gone}},
        [&](const Call& call, const UnlockPool& request) { return unlock(services, call, request); });
    services.task_endpoints.add(router,
                                {.method = Method::post,
                                 .path = "/api/v1/pools/{pool}/lock",
                                 .privilege = Privilege::administer,
                                 .summary = "Unmount all of an encrypted pool and forget its key; nothing of "
                                            "it may be in use",
                                 .tag = "storage",
                                 .errors = {Code::dataset_busy}},
                                [&](const Call& call) { return lock(services, call); });
}

} // namespace bhype::storage
