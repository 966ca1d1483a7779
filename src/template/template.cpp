#include "template/template.h"

#include "base/toml.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>

namespace bhype::templates {

namespace {

std::vector<FieldProblem> file_problems(const File& file) {
    std::vector<FieldProblem> problems;
    if (file.title.empty())
        problems.push_back({"title", "is missing"});
    if (file.kind != Kind::empty && !file.media)
        problems.push_back({"media", "is missing: kind image and iso need it"});
    if (file.memory.value < file.smallest_memory.value)
        problems.push_back({"memory", "is less than smallest_memory"});
    if (file.disk.value < file.smallest_disk.value)
        problems.push_back({"disk", "is less than smallest_disk"});
    return problems;
}

void judge(Template& result) {
    result.available = true;
    if (!result.media)
        return;
    if (result.kind == Kind::image && !result.media->sha256) {
        result.available = false;
        result.why_not = "the template has no checksum: fetch the image, check it, and write its SHA-256 "
                         "into a copy of the "
                         "template in /usr/local/etc/bhype/templates";
        return;
    }
    struct stat status {};
    if (::stat(result.media->file.str().c_str(), &status) == 0 && S_ISREG(status.st_mode))
        return;
    result.available = false;
    result.why_not = result.media->file.str() + " is not there";
    if (result.media->url)
        *result.why_not += "; fetch it: fetch -o " + result.media->file.str() + " " + *result.media->url;
    if (result.media->url && result.media->sha256) // sha256(1): fails when the sum is another
        *result.why_not += " && sha256 -c " + result.media->sha256->str() + " " + result.media->file.str();
}

} // namespace

Template read_template(const std::string& path) {
    const auto name = std::filesystem::path(path).stem().string();
    if (!TemplateName::accepts(name))
        throw Error(Code::bad_configuration, path + ": the file's name must be " +
                                                 std::string(TemplateName::text_rule().rule) + " and .toml");
    const auto file = decode_file<File>(path);
    if (auto problems = file_problems(file); !problems.empty())
        throw Error(Code::bad_configuration, path, std::move(problems));
    Template result{.name = TemplateName::from(name),
                    .title = file.title,
                    .family = file.family,
                    .kind = file.kind,
                    .description = file.description,
                    .notes = file.notes,
                    .cpus = file.cpus,
                    .memory = file.memory,
                    .disk = file.disk,
                    .smallest_memory = file.smallest_memory,
                    .smallest_disk = file.smallest_disk,
                    .disk_kind = file.disk_kind,
                    .nic_kind = file.nic_kind,
                    .firmware = file.firmware,
                    .clock = file.clock,
                    .screen = file.screen,
                    .tablet = file.tablet,
                    .media = file.media,
                    .available = false,
                    .why_not = std::nullopt};
    judge(result);
    return result;
}

Library::Library(std::vector<std::string> directories) : directories_(std::move(directories)) {}

std::vector<Template> Library::list() const {
    std::map<std::string, Template> found;
    for (const auto& directory : directories_) {
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
            const auto name = entry.path().stem().string();
            if (entry.path().extension() != ".toml" || !TemplateName::accepts(name))
                continue;
            try {
                found[name] = read_template(entry.path().string());
            } catch (const Error& problem) {
                Template broken;
                broken.name = TemplateName::from(name);
                broken.title = name;
                broken.why_not = problem.what();
                found[name] = broken;
            }
        }
    }
    std::vector<Template> result;
    for (auto& [name, item] : found)
        result.push_back(std::move(item));
    return result;
}

std::optional<Template> Library::find(const TemplateName& name) const {
    auto all = list();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Template& item) { return item.name == name; });
    return found == all.end() ? std::nullopt : std::optional(*found);
}

std::string image_dataset(const Template& template_) {
    return template_.name.str() + "-" + template_.media->sha256->str().substr(0, 12);
}

} // namespace bhype::templates
