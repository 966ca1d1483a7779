#include "template/template.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace bhype::templates {

namespace {
struct Directory {
    std::filesystem::path path = std::filesystem::temp_directory_path() / ("bhype-template-" + random_hex(4));
    Directory() { std::filesystem::create_directory(path); }
    ~Directory() { std::filesystem::remove_all(path); }
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path / name) << text;
        return (path / name).string();
    }
};
} // namespace

TEST(Template, ShippedOnesAreValid) {
    const std::filesystem::path shipped = std::filesystem::path(BHYPE_SOURCE_DIR) / "templates";
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(shipped))
        if (entry.path().extension() == ".toml") {
            EXPECT_NO_THROW(read_template(entry.path().string())) << entry.path();
            ++count;
        }
    EXPECT_GE(count, 6U);
}

TEST(Template, ShippedMediaHaveAChecksumOrSayWhatToDo) {
    const Library library({(std::filesystem::path(BHYPE_SOURCE_DIR) / "templates").string()});
    for (const auto& item : library.list()) {
        if (!item.media)
            continue;
        EXPECT_TRUE(item.media->sha256 || item.notes.find("SHA-256") != std::string::npos) << item.name.str();
        // A checksum is of one file: the address must name it.
        const std::filesystem::path file = item.media->file.str();
        EXPECT_EQ(std::filesystem::path(item.media->url.value_or(file.string())).filename(), file.filename());
    }
}

TEST(Template, LaterDirectoriesWinAndBrokenOnesSayWhy) {
    const Directory shipped;
    const Directory site;
    const auto image = site.write("a.raw", "x");
    shipped.write("one.toml", "title = 'shipped'\n");
    shipped.write("bad.toml", "title = 'x'\nkind = 'image'\nmemory = '1'\n");
    site.write("one.toml", "title = 'site'\nkind = 'image'\n[media]\nfile = '" + image + "'\nsha256 = '" +
                               std::string(64, 'a') + "'\n");
    const Library library({shipped.path.string(), site.path.string()});
    const auto list = library.list();
    ASSERT_EQ(list.size(), 2U);
    EXPECT_EQ(list[0].name.str(), "bad");
    EXPECT_FALSE(list[0].available);
    EXPECT_NE(list[0].why_not->find("memory"), std::string::npos) << *list[0].why_not;
    EXPECT_EQ(list[1].title, "site");
    EXPECT_TRUE(list[1].available);
    EXPECT_EQ(image_dataset(list[1]), "one-aaaaaaaaaaaa");
    std::filesystem::remove(image);
    EXPECT_FALSE(library.find(TemplateName::from("one"))->available);

    site.write("disc.toml",
               "title = 'disc'\nkind = 'iso'\n[media]\nurl = 'https://example.org/d.iso'\nfile = '" + image +
                   "'\nsha256 = '" + std::string(64, 'b') + "'\n");
    const auto why = library.find(TemplateName::from("disc"))->why_not.value();
    EXPECT_NE(why.find("fetch -o " + image + " https://example.org/d.iso && sha256 -c " +
                       std::string(64, 'b') + " " + image),
              std::string::npos)
        << why;
}

} // namespace bhype::templates
