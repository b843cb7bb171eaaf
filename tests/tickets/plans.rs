//! Every list reads an index from its place on, and looks up by id what it has to check. No page reads
//! all rows of an account.

use crate::support::chat::Visitor;
use crate::support::{TestApp, queries};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use docket::db::DatabaseUrl;
use std::collections::BTreeSet;

/// Tables that grow with use.
const TABLES: [&str; 9] =
    ["tickets", "ticket_tags", "tags", "conversations", "attachments", "messages", "submissions", "events", "views"];

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct PostgresLine {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    detail: String,
}

/// How the engine would run a query, whatever is in its tables.
fn plan(url: &DatabaseUrl, query: &str) -> String {
    let query = query.split(" -- binds").next().unwrap();
    match url {
        DatabaseUrl::Sqlite(path) => {
            let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
            let lines: Vec<Line> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {query}")).load(&mut conn).unwrap();
            lines.into_iter().map(|line| line.detail + "\n").collect()
        }
        DatabaseUrl::Postgres(url) => {
            let mut conn = PgConnection::establish(url).unwrap();
            // Tables of a test are small, so that the engine would read them whole.
            conn.batch_execute(
                "SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off;
                 SET plan_cache_mode = force_generic_plan;",
            )
            .unwrap();
            conn.batch_execute(&format!("PREPARE plan AS {query}")).unwrap();
            let count = (1..).take_while(|number| query.contains(&format!("${number}"))).count();
            let values = vec!["NULL"; count].join(", ");
            let values = if count == 0 { String::new() } else { format!("({values})") };
            let lines: Vec<PostgresLine> =
                diesel::sql_query(format!("EXPLAIN EXECUTE plan{values}")).load(&mut conn).unwrap();
            lines.into_iter().map(|line| line.detail + "\n").collect()
        }
    }
}

/// What is wrong with the plan of a query for rows of a list.
fn fault(query: &str, plan: &str) -> Option<&'static str> {
    // These look up tickets one by one, at most some thousands.
    let is_lookup = ["IN (?", "IN ($", "IN (SELECT `ticket_tags`", "IN (SELECT \"ticket_tags\"", "= ANY("]
        .iter()
        .any(|words| query.contains(words));
    for table in TABLES {
        let scans = [format!("SCAN {table}\n"), format!("SCAN {table} "), format!("Seq Scan on {table}")];
        if scans.iter().any(|scan| plan.contains(scan)) {
            return Some("reads a table");
        }
    }
    // Postgres decides by what is in its tables; SQLite always in the same way.
    let looks_up_tickets =
        ["IN (?", "IN (SELECT"].iter().any(|words| query.contains(&format!("`tickets`.`id` {words}")));
    if looks_up_tickets && !plan.contains("SEARCH tickets USING INTEGER PRIMARY KEY") {
        return Some("does not look tickets up by id");
    }
    let sorts = plan.contains("USE TEMP B-TREE FOR ORDER BY") || plan.contains("Sort");
    let is_list = query.contains("LIMIT") && !is_lookup;
    (is_list && sorts).then_some("sorts")
}

#[actix_web::test]
async fn every_list_reads_from_an_index() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    // More than one page, with a source, a file, a tag and an assignee each.
    for index in 0..60 {
        let source = format!("elsewhere-{index}");
        let number = owner.make_ticket_of(&[("title", "lamp"), ("conversationId", &source)]).await;
        if index % 2 == 0 {
            owner.post(&format!("/tickets/{number}/tags"), &[("add", "vip")]).await.expect(303);
            let id = owner.id.to_string();
            owner.post(&format!("/tickets/{number}/assignee"), &[("assignee", &id)]).await.expect(303);
        }
        if index % 3 == 0 {
            owner.set_status(number, "closed").await.expect(303);
        }
    }
    let parts = ["status=all", "status=open", "status=new", "assignee=me", "assignee=none", "source=chat", "tag=vip"];
    let mut lists: BTreeSet<String> = parts.iter().map(ToString::to_string).collect();
    for one in parts {
        for other in parts.iter().filter(|other| other[..3] != one[..3]) {
            lists.insert(format!("{one}&{other}"));
        }
    }
    let words = ["lamp", "has:attachment", "-tag:vip", "created:2026", "closed:2026", "from:ana", "assignee:none lamp"];
    lists.extend(words.iter().map(|q| format!("q={}", q.replace(':', "%3A").replace(' ', "+"))));
    let database = app.app.config.database();
    let before = queries::count(&database);
    for list in &lists {
        for sort in ["updated", "created", "closed"] {
            let page = owner.get(&format!("/tickets?{list}&sort={sort}")).await;
            if let Some(older) = page.expect(200).attributes(".pager [rel=next]", "href").first() {
                owner.get(older).await.expect(200);
            }
        }
    }
    expect_no_fault(&database, before, fault);
}

/// Explains all queries but the first `before`.
fn expect_no_fault(database: &DatabaseUrl, before: usize, fault: impl Fn(&str, &str) -> Option<&'static str>) {
    let asked: BTreeSet<String> = queries::texts(database)
        .into_iter()
        .skip(before)
        .map(|text| text.split(" -- binds").next().unwrap().to_owned())
        .collect();
    assert!(asked.len() > 20, "{}", asked.len());
    // Conditions that nothing meets are not run at all.
    let run = asked.into_iter().filter(|query| !query.contains("1=0") && !query.contains("FALSE"));
    let of_query = |query: String| {
        let plan = plan(database, &query);
        fault(&query, &plan).map(|fault| format!("{fault}\n{query}\n{plan}"))
    };
    let faults: Vec<String> = run.filter_map(of_query).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Whether SQLite reads all rows that an account has in a table, views apart. Postgres decides by
/// what is in the table.
fn reads_an_account(query: &str, plan: &str) -> Option<&'static str> {
    let is_of_account = |line: &str| {
        let table = line.split_once("SEARCH ").and_then(|(_, rest)| rest.split(' ').next());
        line.ends_with("(account_id=?)") && table.is_some_and(|table| table != "views" && TABLES.contains(&table))
    };
    (!query.contains("LIMIT") && plan.lines().any(is_of_account)).then_some("reads all rows of an account")
}

/// Every list of the desk shows spam only, or no spam.
fn reads_past_submissions(plan: &str) -> Option<&'static str> {
    plan.contains("submissions_all").then_some("reads past other submissions")
}

#[actix_web::test]
async fn sqlite_only_no_page_and_no_message_reads_a_whole_account() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    owner.post("/settings/sample", &[]).await.expect(303);
    let vera = Visitor::new(&app.base, &owner.make_widget("Shop").await);
    let database = app.app.config.database();
    let before = queries::count(&database);
    let mut pages =
        vec!["/tickets", "/trash", "/tags", "/contacts?q=a", "/views", "/conversations?status=all", "/reports"];
    pages.extend([
        "/submissions",
        "/submissions?done=0",
        "/submissions?done=1",
        "/submissions?spam=1",
        "/submissions?form=1",
        "/submissions?form=1&done=1",
    ]);
    for page in pages {
        owner.get(page).await.expect(200);
    }
    for list in ["/tickets?status=all", "/conversations?status=all", "/submissions"] {
        let first = owner.get(list).await.attributes(".row-link", "href").remove(0);
        owner.get(first.split('#').next().unwrap()).await.expect(200);
    }
    vera.write("Hello").await.expect(201);
    let id = vera.conversation(&owner).await;
    owner.make_ticket_of(&[("title", "Hello"), ("conversationId", &id)]).await;
    owner.post(&format!("/conversations/{id}/status"), &[("status", "closed")]).await.expect(303);
    vera.write("Again").await.expect(201);
    expect_no_fault(&database, before, |query, plan| {
        fault(query, plan).or_else(|| reads_an_account(query, plan)).or_else(|| reads_past_submissions(plan))
    });
}
