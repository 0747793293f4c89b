// mysql_target.cpp: see mysql_target.hpp.
#include "config/mysql_target.hpp"

#include "base/mysql/endpoint.hpp"

namespace walbridge::config {

bool read_mysql_url(pg::Endpoint &endpoint, const std::string &passphrase, const Refuse &refuse) {
    try {
        const auto address = my::parse(endpoint.url);
        if (address.database.empty())
            refuse("target.url", "the URL names no database",
                   "Add the one that the source's schema public goes to: mysql://user@host:3306/database.");
        if (!passphrase.empty()) endpoint.url = my::with_key_passphrase(endpoint.url, passphrase);
        return !address.password.empty();
    } catch (const Error &error) {
        if (error.kind() == ErrorKind::configuration && error.object().find("target.url") != std::string::npos) throw;
        refuse("target.url", error.reason(), error.remedy());
    }
    return false;
}

void suit_mysql_target(TaskConfig &task, const Refuse &refuse) {
    // Whose row is younger is not known there (decision 10).
    if (task.conflict.decided_by_time())
        refuse("conflict.policy", "MySQL and MariaDB do not say when a row was written: they keep no commit times",
               "Choose fail, ignore or overwrite.");
    if (task.conflict.origins == "on")
        refuse("conflict.origins", "MySQL and MariaDB do not say who wrote a row", "Remove the key.");
    for (const auto *kind : {"update_origin_differs", "delete_origin_differs"})
        if (task.conflict.by_kind.contains(kind))
            refuse(std::string("conflict.") + kind,
                   "MySQL and MariaDB keep no origin of a row: who wrote it is not known", "Remove the key.");
    if (!task.reverse_of.empty())
        refuse("task.reverse_of", "the way back of a task needs a target that walbridge can read changes from",
               "Remove the key.");
    if (task.objects.large_objects == "copy")
        refuse("objects.large_objects", "MySQL and MariaDB have no large objects", "Write \"refuse\" or \"ignore\".");
    if (!task.ddl.off() && task.ddl.classes != std::vector<std::string>{"all"})
        refuse("ddl.classes",
               "MySQL and MariaDB follow what becomes of tables, whatever the class of the statement that does it",
               "Write ddl.classes = \"all\", which is the default, or \"none\".");
    task.conflict.origins = "off";
    task.apply.stream_sessions = 0;
    const auto &schemas = task.names.schemas();
    if (!schemas.contains("public")) task.names.add_schema("public", my::parse(task.target.endpoint.url).database);
}

} // namespace walbridge::config
