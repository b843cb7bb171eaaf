//! Realistic input: other encodings, other clients, look-alike characters, and text that is
//! too long.

use crate::support::{Answer, PASSWORD, Person, TestApp, files};
use form_urlencoded::byte_serialize;
use image::ImageFormat;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

const JSON: &str = "application/json";
const URLENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=x";
const MULTIPART_LATIN: &str = "multipart/form-data; boundary=x; charset=ISO-8859-1";

/// A multipart body from the text after `form-data` in each part's header, and the part's
/// content.
fn multipart(parts: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (disposition, content) in parts {
        body.extend_from_slice(b"--x\r\nContent-Disposition: form-data; ");
        body.extend_from_slice(disposition);
        body.extend_from_slice(b"\r\n\r\n");
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--x--\r\n");
    body
}

/// Sends these bytes as a website's form and returns the page of the submission.
async fn submit(owner: &Person, form: &str, content_type: &str, body: Vec<u8>) -> Answer {
    let request = owner.client.post(format!("{}{form}", owner.base)).header("content-type", content_type);
    owner.send(request.body(body)).await.expect(if content_type == JSON { 201 } else { 303 });
    owner.get(&format!("/submissions/{}", owner.newest_submission().await)).await
}

/// Sends a request with an API key.
async fn bring(owner: &Person, key: &str, path: &str, body: &Value) -> Answer {
    let url = format!("{}/api/v1{path}", owner.base);
    owner.send(owner.client.post(url).bearer_auth(key).json(body)).await
}

/// Submits the form for a new ticket unchanged and returns the ticket's page.
async fn create_as_proposed(owner: &Person, page: &Answer) -> Answer {
    let names = ["requestId", "formSubmissionId", "title", "requesterName", "requesterEmail", "notes"];
    let fields: Vec<(&str, String)> = names.into_iter().map(|name| (name, page.value(name))).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let made = owner.post("/tickets", &fields).await;
    owner.get(made.expect(303).location()).await
}

#[actix_web::test]
async fn forms_are_read_in_the_encoding_of_their_page() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    let cases: [(&str, Vec<u8>); 10] = [
        (URLENCODED, b"name=Zo%EB+M%FCller".to_vec()),
        (URLENCODED, b"name=Zo\xEB+M\xFCller".to_vec()),
        (URLENCODED, b"_charset_=macintosh&name=Zo%91+M%9Fller".to_vec()),
        ("application/x-www-form-urlencoded; charset=ISO-8859-1", b"name=Zo%EB+M%FCller".to_vec()),
        ("application/x-www-form-urlencoded; charset=macintosh", b"name=Zo%91+M%9Fller".to_vec()),
        (MULTIPART, multipart(&[(b"name=\"name\"", b"Zo\xEB M\xFCller")])),
        (MULTIPART, multipart(&[(b"name=\"_charset_\"", b"macintosh"), (b"name=\"name\"", b"Zo\x91 M\x9Fller")])),
        (MULTIPART_LATIN, multipart(&[(b"name=\"name\"", b"Zo\xEB M\xFCller")])),
        (MULTIPART, multipart(&[(b"name=\"name\"", "Zoë Müller".as_bytes())])),
        (JSON, b"\xEF\xBB\xBF{\"name\":\"Zo\xC3\xAB M\xC3\xBCller\"}".to_vec()),
    ];
    for (content_type, body) in cases {
        let page = submit(&owner, &form, content_type, body).await;
        page.expect_text("<dt>name</dt><dd>Zoë Müller</dd>").expect_no_text("_charset_");
    }
}

#[actix_web::test]
async fn names_of_fields_are_read_as_their_values_are() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    let page = submit(&owner, &form, URLENCODED, b"Stra%DFe=K%F6nigsallee".to_vec()).await;
    page.expect_text("<dt>Straße</dt><dd>Königsallee</dd>");
    for content_type in [MULTIPART, MULTIPART_LATIN] {
        let parts: [(&[u8], &[u8]); 2] =
            [(b"name=\"Stra\xDFe\"", b"K\xF6nigsallee"), (b"name=\"Foto\"; filename=\"M\xFCll.png\"", b"bytes")];
        let page = submit(&owner, &form, content_type, multipart(&parts)).await;
        page.expect_text("<dt>Straße</dt><dd>Königsallee</dd>").expect_text("(file not kept: Müll.png)");
    }
}

#[actix_web::test]
async fn addresses_and_json_are_decoded_as_forms_are() {
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    let number = owner.make_ticket("Grüße").await;
    owner.make_ticket("Other").await;
    assert_eq!(owner.list("q=Gr%FC%DFe").await, [number]);
    owner.get("/tickets/new?title=Gr%FC%DFe").await.expect(200).expect_text("value=\"Grüße\"");

    let key = owner.make_key("Shop system").await;
    let ticket = owner.client.post(format!("{}/api/v1/tickets", app.base)).bearer_auth(&key);
    let body = b"\xEF\xBB\xBF{\"title\":\"Gr\xC3\xBC\xC3\x9Fe\"}".to_vec();
    let made = owner.send(ticket.header("content-type", JSON).body(body)).await;
    assert_eq!(made.expect(201).json()["title"], "Grüße");
    let message = vera.request(Method::POST, "/messages").header("content-type", JSON);
    let body = b"\xEF\xBB\xBF{\"id\":\"message-1\",\"body\":\"Gr\xC3\xBC\xC3\x9Fe\"}".to_vec();
    assert_eq!(vera.send(message.body(body)).await.expect(201).json()["body"], "Grüße");
}

#[actix_web::test]
async fn files_of_other_clients_keep_their_names_and_cost_no_others() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Clients").await;
    let parts: [(&[u8], &[u8]); 7] = [
        (b"name=\"files\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt", b"text"),
        (b"name=\"files\"; filename*=ISO-8859-1''M%FCller.txt", b"text"),
        (b"name=\"files\"; filename=\"M\xFCller 2.txt\"", b"text"),
        (b"name=\"files\"; filename=\"be\0fore.txt\"", b"text"),
        (b"name=\"files\"; filename=\"\0\"", b"text"),
        (b"name=\"files\"; filename=\"..\"", b"text"),
        (b"name=files; filename=plain.txt", b"text"),
    ];
    let request = owner
        .request(Method::POST, &format!("/tickets/{number}/attachments"))
        .header("content-type", MULTIPART)
        .header("accept", JSON)
        .body(multipart(&parts));
    let json = owner.send(request).await.expect(201).json();
    let all = |list: &str, field: &str| -> Vec<String> {
        json[list].as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(all("data", "filename"), ["Grüße.txt", "Müller.txt", "Müller 2.txt", "before.txt", "plain.txt"]);
    assert_eq!(all("rejected", "code"), ["bad_name", "bad_name"]);
}

#[actix_web::test]
async fn a_form_with_files_keeps_its_text_and_says_so() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    let (visitor, url) = (app.stranger(), format!("{}{form}", app.base));
    let with_files = |sizes: &[usize]| {
        sizes
            .iter()
            .fold(Form::new(), |form, size| form.part("photo", Part::bytes(vec![0; *size]).file_name("photo.png")))
    };
    let cases: [(&[usize], &str); 3] = [
        (&[300], "your file was not sent"),
        (&[100_000], "your file was not sent"),
        (&[300, 100_000], "your 2 files were not sent"),
    ];
    for (sizes, told) in cases {
        let parts = with_files(sizes).text("message", "The lamp is broken");
        let sent = visitor.send(visitor.client.post(&url).multipart(parts)).await;
        sent.expect_redirect(&format!("{form}/thanks?files={}", sizes.len()));
        visitor.get(sent.location()).await.expect(200).expect_text(told);
        let page = owner.get(&format!("/submissions/{}", owner.newest_submission().await)).await;
        page.expect_text("The lamp is broken").expect_text("(file not kept: photo.png)");
    }

    // Docket's page links to the website's own page.
    let next = "https://shop.example/ok";
    let parts = with_files(&[300]).text("message", "Hello").text("_next", next);
    let request = visitor.client.post(&url).header("origin", "https://shop.example").multipart(parts);
    let sent = visitor.send(request).await;
    let page = visitor.request(Method::GET, sent.expect(303).location()).header("referer", "https://shop.example/");
    let page = visitor.send(page).await;
    page.expect(200).expect_text("your file was not sent").expect_text(&format!("href=\"{next}\""));

    let empty = multipart(&[(b"name=\"photo\"; filename=\"\"", b""), (b"name=\"message\"", b"No file chosen")]);
    let request = visitor.client.post(&url).header("content-type", MULTIPART).body(empty);
    visitor.send(request).await.expect_redirect(&format!("{form}/thanks"));
}

#[actix_web::test]
async fn browsers_may_add_the_headers_of_monitoring() {
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    let form = owner.make_form("Contact").await;
    let asked = "sentry-trace, baggage, traceparent, x-requested-with";
    let chat = ["messages", "config", "events"].map(|name| format!("/chat/{}/{name}", vera.key));
    for path in chat.iter().chain([&form]) {
        let request = vera
            .client
            .request(Method::OPTIONS, format!("{}{path}", app.base))
            .header("origin", "https://shop.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", asked);
        let answer = vera.send(request).await;
        assert_eq!(answer.expect(204).header("access-control-allow-headers"), asked, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert!(answer.header("access-control-allow-methods").contains("POST"), "{path}");
    }
}

#[actix_web::test]
async fn every_answer_of_the_public_endpoints_can_be_read() {
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    let form = owner.make_form("Contact").await;
    let [config, messages, events, nothing] =
        ["config", "messages", "events", "nothing"].map(|name| format!("/chat/{}/{name}", vera.key));
    let (long, longer) = ("x".repeat(70_000), "x".repeat(200_000));
    let cases = [
        (Method::POST, form.as_str(), JSON, "{\"a\":\"b\"}", 201),
        (Method::POST, form.as_str(), JSON, "[", 400),
        (Method::POST, "/f/unknown", JSON, "{\"a\":\"b\"}", 404),
        (Method::PUT, form.as_str(), JSON, "{}", 405),
        (Method::POST, form.as_str(), JSON, long.as_str(), 413),
        (Method::POST, form.as_str(), "text/plain", "a=b", 415),
        (Method::POST, form.as_str(), JSON, "{}", 422),
        (Method::GET, config.as_str(), JSON, "", 200),
        (Method::GET, "/chat/unknown/config", JSON, "", 404),
        (Method::GET, events.as_str(), JSON, "", 404),
        (Method::GET, nothing.as_str(), JSON, "", 404),
        (Method::POST, messages.as_str(), JSON, "{", 400),
        (Method::POST, messages.as_str(), JSON, longer.as_str(), 413),
        (Method::POST, messages.as_str(), JSON, "{\"id\":\"short\",\"body\":\"x\"}", 422),
    ];
    let allows = |answer: &Answer| answer.header("access-control-allow-origin") == "*";
    for (method, path, content_type, body, status) in cases {
        let request = vera.client.request(method, format!("{}{path}", app.base)).bearer_auth(&vera.secret);
        let request = request.header("origin", "https://shop.example").header("content-type", content_type);
        let answer = vera.send(request.body(body.to_owned())).await;
        assert!(allows(answer.expect(status)), "{path} {status}");
    }
    vera.write("Hello").await.expect(201);
    let stream = vera.request(Method::GET, "/events?after=0").send().await.unwrap();
    assert_eq!(stream.headers()["access-control-allow-origin"], "*");

    let stranger = app.stranger();
    for path in ["/f/unknown", "/chat/unknown/messages"] {
        let url = format!("{}{path}", app.base);
        let flood = (0..90).map(|_| stranger.send(stranger.client.post(&url).json(&json!({ "a": "b" }))));
        let answers = futures_util::future::join_all(flood).await;
        assert!(answers.iter().any(|answer| answer.status == 429) && answers.iter().all(allows), "{path}");
    }
}

#[actix_web::test]
async fn what_filled_the_honeypot_is_counted_and_shown() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    owner.get("/submissions").await.expect_no_text("Spam <span");
    for count in 1..=2 {
        app.stranger().post(&form, &[("name", "Ana"), ("_gotcha", "Ana’s Lamps Ltd")]).await.expect(303);
        let list = owner.get("/submissions").await;
        list.expect_text(&format!("Spam <span class=\"count\">{count}</span>")).expect_no_text("row-link");
    }
    let id = owner.get("/submissions?spam=1").await.id_below("/submissions/");
    owner.get(&format!("/submissions/{id}")).await.expect_text("<dt>_gotcha</dt><dd>Ana’s Lamps Ltd</dd>");
}

#[actix_web::test]
async fn tags_that_look_alike_are_one() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let groups: [&[&str]; 4] = [
        &["Köln", "Ko\u{308}ln", "Kö\u{200b}ln"],
        &["\u{fb01}n", "fin", "FIN"],
        &["İstanbul", "istanbul"],
        &["#1", "1"],
    ];
    for spellings in groups {
        let mut numbers = Vec::new();
        for &tag in spellings {
            let number = owner.make_ticket("Tagged").await;
            owner.post(&format!("/tickets/{number}/tags"), &[("add", tag)]).await.expect(303);
            numbers.push(number);
        }
        for &tag in spellings {
            let asked: String = byte_serialize(tag.as_bytes()).collect();
            let mut found = owner.list(&format!("tag={asked}")).await;
            found.sort_unstable();
            assert_eq!(found, numbers, "{tag}");
        }
    }
}

#[actix_web::test]
async fn a_tag_is_found_and_removed_by_the_name_that_it_shows() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Tagged").await;
    let (page, path) = (format!("/tickets/{number}"), format!("/tickets/{number}/tags"));
    for typed in ["#1", "# 2", "# #3", "#\u{a0}#\u{200b}#4"] {
        owner.post(&path, &[("add", typed)]).await.expect(303);
        let shown = owner.get(&page).await.value("remove");
        let asked: String = byte_serialize(shown.as_bytes()).collect();
        assert_eq!(owner.list(&format!("tag={asked}")).await, [number], "{typed} became {shown}");
        owner.post(&path, &[("remove", shown.as_str())]).await.expect(303);
        owner.get(&page).await.expect_no_text("name=\"remove\"");
    }
}

#[actix_web::test]
async fn what_a_page_proposes_can_be_sent_as_it_is() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let (title, name, email) = ("t".repeat(5_000), "n".repeat(500), format!("{}@b.example", "e".repeat(300)));
    let address = format!("/tickets/new?title={title}&requesterName={name}&requesterEmail={email}");
    let ticket = create_as_proposed(&owner, owner.get(&address).await.expect(200)).await;
    ticket.expect(200).expect_text(&format!(">\n{}…</textarea></h1>", "t".repeat(199)));
    for cut in [&title, &name, &email] {
        ticket.expect_text(cut);
    }

    let form = owner.make_form("Contact").await;
    let (first, last, other) = ("f".repeat(500), "l".repeat(500), "x".repeat(500));
    let fields = [("firstName", first.as_str()), ("lastName", &last), ("email", &email), (&other, "value")];
    app.stranger().post(&form, &fields).await.expect(303);
    let address = format!("/tickets/new?formSubmissionId={}", owner.newest_submission().await);
    let ticket = create_as_proposed(&owner, owner.get(&address).await.expect(200)).await;
    for whole in [&first, &last, &email, &other] {
        ticket.expect(200).expect_text(whole);
    }
}

#[actix_web::test]
async fn titles_are_counted_in_whole_characters_and_never_cut() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket(&"🎉".repeat(200)).await;
    let page = format!("/tickets/{number}");
    let rename = async |title: &str| owner.post(&format!("{page}/title"), &[("title", title)]).await;
    rename(&"👍".repeat(200)).await.expect(303);
    rename(&"👍".repeat(201)).await.expect(422).expect_text(&"👍".repeat(201));
    for path in ["/tickets/new", page.as_str()] {
        owner.get(path).await.expect_text("data-max=\"200\"").expect_no_text("maxlength");
    }
}

#[actix_web::test]
async fn time_zones_are_known_in_any_case_and_unknown_ones_are_named() {
    for (sent, zone, is_known) in
        [("europe/berlin", "Europe/Berlin", true), ("", "UTC", true), ("Mars/Base", "UTC", false)]
    {
        let app = TestApp::start().await;
        let ana = app.stranger();
        let fields = [("name", "Ana"), ("email", "ana@example.com"), ("password", PASSWORD), ("timeZone", sent)];
        ana.post(app.setup_path.as_deref().unwrap(), &fields).await.expect_redirect("/tickets");
        let first = ana.get("/tickets").await;
        assert_eq!(first.expect(200).body.contains("is unknown here"), !is_known, "{sent}");
        if !is_known {
            first.expect_text(sent);
        }
        ana.get("/profile").await.expect_text(&format!("<option selected>{zone}</option>"));
        ana.post("/profile", &[("name", "Ana"), ("timeZone", "asia/TOKYO")]).await.expect(303);
        ana.get("/profile").await.expect_text("<option selected>Asia/Tokyo</option>");
    }
}

#[actix_web::test]
async fn a_leap_second_is_the_second_after_it_on_both_engines() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let key = owner.make_key("Shop system").await;
    let leap = "2024-06-30T23:59:60Z";
    let new = [
        ("/conversations", json!({ "id": "c1", "createdAt": leap })),
        ("/conversations/c1/messages", json!({ "from": "visitor", "body": "Hello", "createdAt": leap })),
        ("/form-submissions", json!({ "fields": [{ "name": "a", "value": "b" }], "createdAt": leap })),
    ];
    for (path, body) in new {
        let made = bring(&owner, &key, path, &body).await.expect(201).json();
        assert_eq!(made["createdAt"], "2024-07-01T00:00:00Z", "{path}");
        let list = owner.client.get(format!("{}/api/v1{path}", app.base)).bearer_auth(&key);
        assert_eq!(owner.send(list).await.expect(200).json()["data"][0]["createdAt"], made["createdAt"], "{path}");
    }
}

#[actix_web::test]
async fn the_scheme_of_a_key_is_known_in_any_case() {
    let app = TestApp::start_behind_proxy().await;
    let (owner, vera) = app.shop().await;
    let key = owner.make_key("Shop system").await;
    let (tickets, messages) = ("/api/v1/tickets".to_owned(), format!("/chat/{}/messages", vera.key));
    for scheme in ["bearer", "BEARER", "Bearer"] {
        for (path, secret) in [(&tickets, &key), (&messages, &vera.secret)] {
            let request = vera.client.get(format!("{}{path}", app.base));
            vera.send(request.header("authorization", format!("{scheme} {secret}"))).await.expect(200);
        }
    }
}

#[actix_web::test]
async fn nobody_takes_the_place_of_anothers_message_by_its_id() {
    let app = TestApp::start_behind_proxy().await;
    let (owner, vera) = app.shop().await;
    vera.write_as("message-1", "By the visitor").await.expect(201);
    let (key, id) = (owner.make_key("Shop system").await, vera.conversation(&owner).await);
    let path = format!("/conversations/{id}/messages");
    for (message, body) in [("message-1", "First reply"), ("message-2", "Second reply")] {
        let reply = json!({ "id": message, "from": "agent", "body": body });
        assert_eq!(bring(&owner, &key, &path, &reply).await.expect(201).json()["body"], body);
        bring(&owner, &key, &path, &reply).await.expect(200);
    }
    vera.write_as("message-2", "By the visitor, too").await.expect(201);
    vera.write_as("message-2", "By the visitor, too").await.expect(200);
    assert_eq!(vera.history("").await, ["By the visitor", "First reply", "Second reply", "By the visitor, too"]);
}

#[actix_web::test]
async fn links_in_messages_end_where_they_do_for_the_visitor() {
    let app = TestApp::start_behind_proxy().await;
    let (owner, vera) = app.shop().await;
    let cases = [
        ("(see https://en.example/b_(c)).", "https://en.example/b_(c)"),
        ("链接https://a.example/y。", "https://a.example/y"),
        ("https://a.example/n、次", "https://a.example/n"),
        ("「https://a.example/q」", "https://a.example/q"),
        ("https://a.example/z！", "https://a.example/z"),
        ("[x](https://a.example/k)", "https://a.example/k"),
        ("HTTPS://A.EXAMPLE", "HTTPS://A.EXAMPLE"),
    ];
    for (text, _) in cases {
        vera.write(text).await.expect(201);
    }
    let page = owner.get(&format!("/conversations/{}", vera.conversation(&owner).await)).await;
    for (_, link) in cases {
        let rel = "rel=\"noopener noreferrer nofollow\" target=\"_blank\"";
        page.expect_text(&format!("<a href=\"{link}\" {rel}>{link}</a>"));
    }
}

#[actix_web::test]
async fn a_jpeg_is_one_under_each_of_its_names() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Names").await;
    let photo = files::picture(ImageFormat::Jpeg, 1);
    let names = ["photo.jfif", "photo.jpe", "PHOTO.JIF"];
    let json = owner.attach(number, &names.map(|name| (name, photo.as_slice()))).await.expect(201).json();
    for (index, name) in names.into_iter().enumerate() {
        let file = &json["data"][index];
        assert_eq!((&file["filename"], &file["contentType"]), (&json!(name), &json!("image/jpeg")));
        assert!(file["thumbnailUrl"].is_string(), "{name}");
        let served = owner.get(file["url"].as_str().unwrap()).await;
        assert_eq!(served.expect(200).header("content-type"), "image/jpeg");
    }
}

#[actix_web::test]
async fn text_is_kept_whatever_it_begins_with_and_goes_out_as_a_download() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Texts").await;
    let texts: [(&str, &[u8]); 5] = [
        ("mail.txt", b"<ana@shop.example> wrote:\r\n> It broke\r\n"),
        ("page.txt", b"<!DOCTYPE html><script>alert(1)</script>"),
        ("chat.txt", b"12:00 <ana> \x02bold\x02 \x0304red\x0f\r\n"),
        ("build.txt", b"\x1b[31merror\x1b[0m\x0c\n"),
        ("table.csv", b"<name>;<email>\r\n"),
    ];
    let json = owner.attach(number, &texts).await.expect(201).json();
    assert_eq!(json["rejected"], json!([]));
    for (index, (name, bytes)) in texts.into_iter().enumerate() {
        let served = owner.get(json["data"][index]["url"].as_str().unwrap()).await;
        assert_eq!(served.expect(200).bytes, bytes, "{name}");
        assert!(served.header("content-disposition").starts_with("attachment;"), "{name}");
        assert_eq!(served.header("x-content-type-options"), "nosniff", "{name}");
    }
}

#[actix_web::test]
async fn a_refused_picture_is_named_with_the_way_out_under_any_name() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Refused").await;
    let formats: [(&str, &[u8]); 5] = [
        ("HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x08mdat"),
        ("AVIF", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif\0\0\0\x08mdat"),
        ("TIFF", b"II*\0\x08\0\0\0\0\0\0\0\0\0\0\0"),
        ("TIFF", b"MM\0*\0\0\0\x08\0\0\0\0\0\0\0\0"),
        ("BMP", b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"),
    ];
    let endings = ["jpg", "png", "webp", "gif", "pdf", "txt", "csv", "doc", "docx", "HEIC", "tif", "bmp", "avif", "x"];
    let names = endings.map(|ending| format!("photo.{ending}"));
    for (format, bytes) in formats {
        let batch: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), bytes)).collect();
        let json = owner.attach(number, &batch).await.expect(415).json();
        for (index, name) in names.iter().enumerate() {
            let said = json["rejected"][index]["message"].as_str().unwrap();
            let has_all = said.contains(format) && said.contains("Save the picture as JPEG or PNG.");
            assert!(has_all, "{format} as {name}: {said}");
        }
        let page = owner.send(owner.upload(number, &batch[..1])).await;
        page.expect(415).expect_text(&format!("its content is {format}. Save the picture as JPEG or PNG."));
    }
}

#[actix_web::test]
async fn the_picker_offers_all_nine_types() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Picker").await;
    let word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let wanted = [
        ".jpg,.jpeg,.jpe,.jfif,.jif,.png,.webp,.gif,.pdf,.txt,.csv,.doc,.docx",
        "image/jpeg,image/png,image/webp,image/gif,application/pdf,text/plain,text/csv,application/msword",
        word,
        "application/vnd.ms-excel",
    ];
    for path in [format!("/tickets/{number}"), "/tickets/new".to_owned()] {
        let page = owner.get(&path).await;
        let accepted = page.expect(200).attribute("[type=file]", "accept");
        let accepted: Vec<&str> = accepted.split(',').collect();
        for one in wanted.iter().flat_map(|list| list.split(',')) {
            assert!(accepted.contains(&one), "{one} on {path}");
        }
    }
}
