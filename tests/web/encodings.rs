//! Forms, addresses and "application/json" in the encodings that real clients send.

use crate::support::multipart::{MULTIPART, multipart};
use crate::support::{Answer, Person, TestApp};
use reqwest::Method;
use reqwest::multipart::{Form, Part};

const URLENCODED: &str = "application/x-www-form-urlencoded";

const MULTIPART_LATIN: &str = "multipart/form-data; boundary=x; charset=ISO-8859-1";

/// Sends these bytes as a website's form and returns the page of the submission.
async fn submit(owner: &Person, form: &str, content_type: &str, body: Vec<u8>) -> Answer {
    let request = owner.client.post(format!("{}{form}", owner.base)).header("content-type", content_type);
    owner.send(request.body(body)).await.expect(if content_type == "application/json" { 201 } else { 303 });
    owner.get(&format!("/submissions/{}", owner.newest_submission().await)).await
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
        ("application/json", b"\xEF\xBB\xBF{\"name\":\"Zo\xC3\xAB M\xC3\xBCller\"}".to_vec()),
    ];
    for (content_type, body) in cases {
        let page = submit(&owner, &form, content_type, body).await;
        page.expect_text("Zoë Müller</dd>").expect_no_text("_charset_");
    }
}

#[actix_web::test]
async fn names_of_fields_are_read_as_their_values_are() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    let page = submit(&owner, &form, URLENCODED, b"Stra%DFe=K%F6nigsallee".to_vec()).await;
    page.expect_text("Straße</dt><dd dir=\"auto\">Königsallee</dd>");
    for content_type in [MULTIPART, MULTIPART_LATIN] {
        let parts: [(&[u8], &[u8]); 2] =
            [(b"name=\"Stra\xDFe\"", b"K\xF6nigsallee"), (b"name=\"Foto\"; filename=\"M\xFCll.png\"", b"bytes")];
        let page = submit(&owner, &form, content_type, multipart(&parts)).await;
        page.expect_text("Straße</dt><dd dir=\"auto\">Königsallee</dd>").expect_text("(file not kept: Müll.png: ");
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
    let made = owner.send(ticket.header("content-type", "application/json").body(body)).await;
    assert_eq!(made.expect(201).json()["title"], "Grüße");
    let message = vera.request(Method::POST, "/messages").header("content-type", "application/json");
    let body = b"\xEF\xBB\xBF{\"id\":\"message-1\",\"body\":\"Gr\xC3\xBC\xC3\x9Fe\"}".to_vec();
    assert_eq!(vera.send(message.body(body)).await.expect(201).json()["body"], "Grüße");
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
        (&[300], "One file was not kept"),
        (&[100_000], "One file was not kept"),
        (&[300, 100_000], "2 files were not kept"),
    ];
    for (sizes, told) in cases {
        let parts = with_files(sizes).text("message", "The lamp is broken");
        let sent = visitor.send(visitor.client.post(&url).multipart(parts)).await;
        sent.expect_redirect(&format!("{form}/thanks?files={}", sizes.len()));
        visitor.get(sent.location()).await.expect(200).expect_text(told);
        let page = owner.get(&format!("/submissions/{}", owner.newest_submission().await)).await;
        page.expect_text("The lamp is broken").expect_text("(file not kept: photo.png: ");
    }

    // Docket's page links to the website's own page.
    let next = "https://shop.example/ok";
    let parts = with_files(&[300]).text("message", "Hello").text("_next", next);
    let request = visitor.client.post(&url).header("origin", "https://shop.example").multipart(parts);
    let sent = visitor.send(request).await;
    let page = visitor.request(Method::GET, sent.expect(303).location()).header("referer", "https://shop.example/");
    let page = visitor.send(page).await;
    page.expect(200).expect_text("One file was not kept").expect_text(&format!("href=\"{next}\""));

    let empty = multipart(&[(b"name=\"photo\"; filename=\"\"", b""), (b"name=\"message\"", b"No file chosen")]);
    let request = visitor.client.post(&url).header("content-type", MULTIPART).body(empty);
    visitor.send(request).await.expect_redirect(&format!("{form}/thanks"));
}
