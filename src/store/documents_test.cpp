#include "base/test_directory.h"
#include "store/documents.h"

#include <gtest/gtest.h>

namespace bhype::store {
namespace {

struct Thing {
    std::string word;
    std::int64_t size = 0;
};
BOOST_DESCRIBE_STRUCT(Thing, (), (word, size))

class DocumentsTest : public testing::Test {
  protected:
    DocumentsTest() { database.emplace(directory.path + "/bhype.db"); }
    test::Directory directory;
    std::optional<Database> database;
};

TEST_F(DocumentsTest, KeepsThingsByKindAndName) {
    {
        Documents documents(*database);
        EXPECT_FALSE(documents.find<Thing>("thing", "a"));
        documents.put("thing", "a", Thing{"one", 1});
        documents.put("thing", "a", Thing{"two", 2});
        documents.put("other", "a", Thing{"three", 3});
        documents.put_later("thing", "b", Thing{"later", 4});
    }
    database.reset();
    database.emplace(directory.path + "/bhype.db");
    Documents documents(*database);
    EXPECT_EQ(documents.find<Thing>("thing", "a")->word, "two");
    const auto all = documents.all<Thing>("thing");
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all.at("b").size, 4);
    documents.remove("thing", "a");
    documents.remove("thing", "a");
    EXPECT_EQ(documents.all<Thing>("thing").size(), 1U);
    documents.replace<Thing>("thing", {{"c", {"five", 5}}, {"d", {"six", 6}}});
    EXPECT_EQ(documents.all<Thing>("thing").size(), 2U);
    EXPECT_EQ(documents.find<Thing>("other", "a")->size, 3);
}

TEST_F(DocumentsTest, ADamagedOneDoesNotHideTheOthers) {
    Documents documents(*database);
    documents.put("thing", "good", Thing{"one", 1});
    database->write([](Sql& sql) {
        for (const auto* body : {"{", R"({"length":1})"})
            sql.exec("INSERT INTO documents (kind, name, body) VALUES ('thing', :name, :body)", {body, body});
    });
    EXPECT_EQ(documents.all<Thing>("thing").size(), 1U);
    EXPECT_FALSE(documents.find<Thing>("thing", "{"));
}

} // namespace
} // namespace bhype::store
