//! Rules for the code: which module may depend on which, equal schemas on both engines, and
//! an accurate map.

use crate::support::{database_url, fresh_database};
use diesel::Connection as _;
use diesel::migration::{MigrationSource, MigrationVersion};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use docket::db::DatabaseUrl;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tempfile::TempDir;

/// Modules for rules and rows, and files that serve all of them.
const DOMAIN: [&str; 24] = [
    "accounts",
    "contacts",
    "figures",
    "jobs",
    "tickets",
    "attachments",
    "conversations",
    "submissions",
    "values",
    "limits",
    "db",
    "events",
    "app.rs",
    "clock.rs",
    "config.rs",
    "error.rs",
    "live",
    "mail",
    "metrics.rs",
    "source_files",
    "validation",
    "private.rs",
    "search",
    "storage.rs",
];
const INTERFACES: [&str; 9] =
    ["web", "files", "desk", "public", "api", "endpoint.rs", "gate.rs", "routes.rs", "server.rs"];

/// The dependencies of each file or folder.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The top folder of a file, or the file itself if it is in none.
fn room(name: &str) -> &str {
    name.split('/').next().unwrap_or(name)
}

/// Every source file below `src`, up to its unit tests.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = crate::support::files::keys_below(&root).into_iter().filter(|name| name.ends_with(".rs"));
    let read = |name: String| {
        let text = std::fs::read_to_string(root.join(&name)).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
        (name, code)
    };
    files.map(read).collect()
}

/// The modules that a file uses, as file paths.
fn uses(code: &str, files: &BTreeMap<String, String>) -> BTreeSet<String> {
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        for path in expand(rest) {
            // The longest part of the path that is a file.
            let parts: Vec<&str> = path.split("::").collect();
            for length in (1..=parts.len()).rev() {
                let base = parts[..length].join("/");
                let names = [format!("{base}.rs"), format!("{base}/mod.rs")];
                if let Some(name) = names.into_iter().find(|name| files.contains_key(name)) {
                    found.insert(name);
                    break;
                }
            }
        }
    }
    found
}

/// Expands `a::{b, c::d}` to `a::b` and `a::c::d`.
fn expand(rest: &str) -> Vec<String> {
    let end = rest.find(|c: char| !(c.is_alphanumeric() || "_:".contains(c))).unwrap_or(rest.len());
    let (head, tail) = rest.split_at(end);
    let head = head.trim_end_matches(':');
    if !tail.starts_with('{') {
        return vec![head.to_owned()];
    }
    let inner = tail[1..].split('}').next().unwrap();
    inner.split(',').map(|part| format!("{head}::{}", part.split_whitespace().next().unwrap_or("self"))).collect()
}

#[test]
fn domain_modules_know_no_interface_and_no_framework() {
    let files = sources();
    for domain in DOMAIN {
        assert!(files.keys().any(|name| room(name) == domain), "{domain} is not there");
    }
    for (name, code) in files.iter().filter(|(name, _)| DOMAIN.contains(&room(name))) {
        assert!(!code.contains("actix"), "{name} knows actix");
        for used in uses(code, &files) {
            assert!(!INTERFACES.contains(&room(&used)), "{name} knows {used}");
        }
    }
}

#[test]
fn interfaces_hold_no_sql() {
    for (name, code) in sources().iter().filter(|(name, _)| INTERFACES.contains(&room(name))) {
        assert!(!code.contains("diesel") && !code.contains("db::schema"), "{name}");
    }
}

#[test]
fn the_engine_is_asked_for_in_one_file() {
    for (name, code) in sources().iter().filter(|(name, _)| !name.starts_with("db/")) {
        assert!(!code.contains("Engine::Sqlite") && !code.contains("Engine::Postgres"), "{name}");
    }
}

#[test]
fn there_are_no_circles_of_files_or_folders() {
    let files = sources();
    let mut graph = Graph::new();
    for (name, code) in &files {
        graph.entry(name.clone()).or_default().extend(uses(code, &files));
        let used = uses(code, &files).into_iter().map(|used| room(&used).to_owned());
        graph.entry(room(name).to_owned()).or_default().extend(used);
    }
    let mut done = BTreeSet::new();
    for name in graph.keys() {
        walk(name, &graph, &mut Vec::new(), &mut done);
    }
}

fn walk(name: &String, graph: &Graph, path: &mut Vec<String>, done: &mut BTreeSet<String>) {
    assert!(!path.contains(name), "a circle: {path:?} → {name}");
    if done.contains(name) {
        return;
    }
    path.push(name.clone());
    for next in graph[name].iter().filter(|next| *next != name) {
        walk(next, graph, path, done);
    }
    path.pop();
    done.insert(name.clone());
}

#[test]
fn the_map_names_every_room() {
    let map = std::fs::read_to_string("src/lib.rs").unwrap();
    let rooms = map.lines().filter_map(|line| line.strip_prefix("pub mod ")).map(|rest| rest.trim_end_matches(';'));
    for room in rooms {
        assert!(map.contains(&format!("[`{room}`]")), "{room} is not on the map");
    }
}

#[test]
fn the_tests_that_the_security_page_names_are_there() {
    let page = std::fs::read_to_string("docs/security.md").unwrap();
    let named = page.split('`').filter(|code| code.contains("::") && !code.contains(' ') && *code != "module::test");
    for name in named {
        let (module, test) = name.rsplit_once("::").unwrap();
        let path = format!("tests/{}", module.replace("::", "/"));
        let outer = path.rsplit_once('/').map_or("", |(outer, _)| outer);
        // A file, a folder, or a module inside the file of a folder.
        let files = [module.to_owned(), format!("{path}.rs"), format!("{path}/mod.rs"), format!("{outer}/mod.rs")];
        let defines =
            |file: &String| std::fs::read_to_string(file).is_ok_and(|code| code.contains(&format!("fn {test}(")));
        assert!(files.iter().any(defines), "{name} is not there");
    }
}

/// Parts of statements that each engine writes in its own way: search terms, the order of
/// events, and JSON.
const ENGINES_OWN: [&str; 14] = [
    "_terms",
    "ticket_words",
    "ticket_vocabulary",
    "event_order",
    "COLUMN tx ",
    "events_without_seq",
    "given_seq",
    "DROP INDEX events_by",
    "events DROP COLUMN seq",
    "INSERT INTO events",
    "INSERT INTO jobs",
    "SET open_seconds",
    "SET first_reply_seconds",
    "DROP TABLE",
];

/// Tables that a later migration drops.
const DROPPED: [&str; 3] = ["ticket_events", "notes_revisions", "mail_marks"];

fn migration(engine: &str) -> String {
    let folder = Path::new("migrations").join(engine);
    let mut text = String::new();
    for name in crate::support::files::keys_below(&folder).into_iter().filter(|name| name.ends_with("up.sql")) {
        text += &std::fs::read_to_string(folder.join(name)).unwrap();
    }
    text
}

#[test]
fn both_engines_have_the_same_tables_and_the_program_knows_them() {
    let statements = |text: String| -> BTreeSet<String> {
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
        code.join(" ")
            .split(';')
            .map(|one| one.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|one| !one.is_empty() && one != "SELECT 1" && !ENGINES_OWN.iter().any(|own| one.contains(own)))
            .collect()
    };
    let sqlite = statements(migration("sqlite"));
    let postgres =
        statements(migration("postgres").replace(
            "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
            "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT",
        ));
    let same = |one: &String| one.replace(" GENERATED ALWAYS AS (id) VIRTUAL", "");
    assert_eq!(sqlite.iter().map(same).collect::<BTreeSet<_>>(), postgres);

    let schema = std::fs::read_to_string("src/db/schema.rs").unwrap();
    let dropped = |table: &&str| DROPPED.iter().any(|name| table.starts_with(&format!("{name} (")));
    for table in sqlite.iter().filter_map(|one| one.strip_prefix("CREATE TABLE ")).filter(|table| !dropped(table)) {
        let (name, body) = table.split_once(" (").unwrap();
        let body = body.trim();
        let block =
            schema.split("table! {").find(|block| block.trim_start().starts_with(&format!("{name} ("))).unwrap();
        let block = block.split("joinable!").next().unwrap();
        let mut known: Vec<&str> = block
            .split(',')
            .filter_map(|line| line.split_once(" -> "))
            .map(|(left, _)| left.split_whitespace().last().unwrap())
            .collect();
        let columns: Vec<&str> = body
            .split(", ")
            .filter(|part| !part.starts_with("PRIMARY KEY") && !part.starts_with("UNIQUE"))
            .map(|part| part.split(' ').next().unwrap())
            .filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit()))
            .filter(|word| body.contains(&format!("{word} ")))
            .collect();
        let types = ["BIGINT", "INTEGER", "TEXT", "TIMESTAMP", "BOOLEAN"];
        let columns: Vec<&str> = columns
            .into_iter()
            .filter(|word| types.iter().any(|kind| body.contains(&format!("{word} {kind}"))))
            // Once, although keys name them again.
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let added = sqlite.iter().filter_map(|one| one.strip_prefix(&format!("ALTER TABLE {name} ADD COLUMN ")));
        let gone = |column: &&str| !sqlite.contains(&format!("ALTER TABLE {name} DROP COLUMN {column}"));
        let added = added.map(|one| one.split(' ').next().unwrap());
        let mut columns: Vec<&str> = columns.into_iter().chain(added).filter(gone).collect();
        known.sort_unstable();
        columns.sort_unstable();
        assert_eq!(known, columns, "{name}");
    }
}

#[test]
fn migrations_run_up_and_down_and_up_again() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    match &database {
        DatabaseUrl::Sqlite(path) => {
            there_and_back(&mut diesel::SqliteConnection::establish(path.to_str().unwrap()).unwrap(), "sqlite")
        }
        DatabaseUrl::Postgres(_) => {
            there_and_back(&mut diesel::PgConnection::establish(&database_url(&database)).unwrap(), "postgres")
        }
    }
}

fn there_and_back<C, DB>(conn: &mut C, engine: &str)
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
    FileBasedMigrations: MigrationSource<DB>,
{
    let source = || FileBasedMigrations::from_path(Path::new("migrations").join(engine)).unwrap();
    let first: Vec<MigrationVersion<'static>> =
        conn.run_pending_migrations(source()).unwrap().iter().map(MigrationVersion::as_owned).collect();
    assert!(!first.is_empty());
    conn.revert_all_migrations(source()).unwrap();
    assert_eq!(conn.run_pending_migrations(source()).unwrap().len(), first.len());
}
