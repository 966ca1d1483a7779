// What endpoints ask about a call before they do anything.

#include "vm/endpoints.h"

#include "vm/list.h"
#include "vm/show.h"

namespace bhype::vm {

std::string definition_tag(const Record& record) {
    return fingerprint_text(fingerprint(encode_text(record.machine) + encode_text(record.ownership)));
}

Record seen(const Services& services, const api::Call& call) {
    const auto& text = call.path.at("name");
    const auto name = VmName::parse(text);
    auto record = name ? services.inventory.find(*name) : std::nullopt;
    if (!record || !access::may_see(call.caller, record->ownership))
        throw Error(Code::not_found, "there is no VM of that name");
    return *record;
}

void check_if_match(const api::Call& call, const Record& record) {
    if (!call.if_match.empty() && call.if_match != "*" &&
        call.if_match.substr(0, call.if_match.find('.')) != definition_tag(record))
        throw Error(Code::precondition_failed, record.name.str() + " was changed since you read it");
}

Record changeable(const Services& services, const api::Call& call) {
    auto record = seen(services, call);
    if (!access::may_change(call.caller, record.ownership))
        throw Error(Code::forbidden, "only its owner or an administrator changes " + record.name.str());
    return record;
}

std::vector<FieldProblem> owner_problems(const Services& services, const std::optional<UserName>& owner,
                                         const std::optional<GroupName>& group) {
    std::vector<FieldProblem> problems;
    if (owner && !services.may_own(*owner))
        problems.push_back({"owner", "there is no user " + owner->str() +
                                         " on this host who may have VMs (group bhype or wheel)"});
    if (group && !services.group_exists(*group))
        problems.push_back({"group", "there is no group " + group->str() + " on this host"});
    return problems;
}

api::Reply show_reply(const Services& services, const Record& record, const api::Call& call) {
    auto reply =
        api::ok(encode(show(record, rights_of(record, call.caller), services.keeper.task_of(record.name))));
    reply.etag = definition_tag(record) + "." + fingerprint_text(fingerprint(json::serialize(reply.body)));
    return reply;
}

api::Reply submit(const Services& services, const api::Call& call, const VmName& name,
                  const std::string& kind, const std::string& verb, json::value input) {
    return services.task_endpoints.start(call, kind, "vm/" + name.str(), verb + " VM " + name.str(),
                                         std::move(input));
}

} // namespace bhype::vm
