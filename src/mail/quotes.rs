//! Tells what somebody wrote in an answer from the quoted mail and the signature around it.

/// The two parts of an answer. Nothing of the text is lost, except blank lines between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// What the sender wrote, with quotes that they answered line by line.
    pub written: String,
    /// The quoted mail above or below, and the signature.
    pub folded: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Blank,
    Written,
    Quoted,
}

/// Most lines of the sentence above a quote (“On …, … wrote:”).
const INTRODUCTION: usize = 3;
/// Longest signature that a mail program adds without the usual line above, in characters.
const SHORT: usize = 90;

/// How such a signature begins.
const FROM_DEVICE: [&str; 22] = [
    "sent from my ",
    "sent from mail for ",
    "sent from outlook",
    "sent from yahoo",
    "sent from proton",
    "sent from ",
    "sent with ",
    "sent via ",
    "get outlook for ",
    "von meinem ",
    "gesendet mit ",
    "gesendet von ",
    "diese nachricht wurde von mein",
    "envoyé de ",
    "envoyé depuis ",
    "enviado desde ",
    "enviado do ",
    "inviato da",
    "verzonden vanaf ",
    "skickat från ",
    "отправлено ",
    "iphoneから送信",
];
/// The names of the sender and the subject above a mail that Outlook quotes.
const FROM: [&str; 16] = [
    "from",
    "von",
    "de",
    "da",
    "van",
    "från",
    "fra",
    "od",
    "от",
    "lähettäjä",
    "feladó",
    "kimden",
    "差出人",
    "发件人",
    "寄件者",
    "보낸 사람",
];
const SUBJECT: [&str; 17] = [
    "subject",
    "betreff",
    "objet",
    "asunto",
    "assunto",
    "oggetto",
    "onderwerp",
    "ämne",
    "emne",
    "temat",
    "тема",
    "aihe",
    "tárgy",
    "konu",
    "件名",
    "主题",
    "제목",
];

/// Splits the text of an answer. `is_ours` tells whether a line names an address of ours, as only
/// quotes do. An answer without words of its own is left whole.
pub fn split(text: &str, is_ours: impl Fn(&str) -> bool) -> Split {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let parts = parts(&lines, is_ours);
    let is_written = |part: &Part| *part == Part::Written;
    let (Some(first), Some(last)) = (parts.iter().position(is_written), parts.iter().rposition(is_written)) else {
        return Split { written: text.trim().into(), folded: String::new() };
    };
    let joined = |lines: &[&str]| lines.join("\n").trim_matches('\n').to_owned();
    let (above, below) = (joined(&lines[..first]), joined(&lines[last + 1..]));
    let folded: Vec<String> = [above, below].into_iter().filter(|text| !text.trim().is_empty()).collect();
    Split { written: joined(&lines[first..=last]).trim().into(), folded: folded.join("\n\n") }
}

fn parts(lines: &[&str], is_ours: impl Fn(&str) -> bool) -> Vec<Part> {
    let mut parts: Vec<Part> = lines
        .iter()
        .map(|line| match line.trim_start() {
            "" => Part::Blank,
            line if line.starts_with('>') => Part::Quoted,
            _ => Part::Written,
        })
        .collect();
    // Everything below some lines is quoted.
    let begins = |at: usize| is_separator(lines[at]) || is_header(&lines[at..], &is_ours);
    if let Some(at) = (0..lines.len()).find(|at| begins(*at)) {
        let ruled = (0..at).rev().find(|at| parts[*at] != Part::Blank).filter(|at| is_rule(lines[*at]));
        quote(&mut parts[ruled.unwrap_or(at)..]);
    }
    for at in 0..lines.len() {
        if parts[at] != Part::Written || !lines[at].ends_with([':', '：']) {
            continue;
        }
        // At most a few lines: a long paragraph is no introduction.
        let above = (at.saturating_sub(INTRODUCTION)..at).rev();
        let from = at - above.take_while(|line| parts[*line] == Part::Written).count();
        if at - from >= INTRODUCTION {
            continue;
        }
        let says_ours = lines[from..=at].iter().any(|line| is_ours(line));
        let next = (at + 1..lines.len()).find(|next| parts[*next] != Part::Blank);
        let quotes = next.is_some_and(|next| parts[next] == Part::Quoted && next <= at + 2);
        let is_dated = lines[from..=at].iter().any(|line| line.contains(|sign: char| sign.is_numeric() || sign == '@'));
        if says_ours && !quotes {
            // The quote has no marks.
            quote(&mut parts[from..]);
        } else if quotes && (says_ours || is_dated) {
            quote(&mut parts[from..=at]);
        }
    }
    fold_signature(lines, &mut parts);
    parts
}

/// Makes all lines quoted that are not blank.
fn quote(parts: &mut [Part]) {
    parts.iter_mut().filter(|part| **part == Part::Written).for_each(|part| *part = Part::Quoted);
}

/// The first line of the written paragraph that a line is in.
fn paragraph(parts: &[Part], at: usize) -> usize {
    (0..at).rev().find(|above| parts[*above] != Part::Written).map_or(0, |above| above + 1)
}

/// A signature reaches from its mark to the end or to a quote. Mail programs on phones set none.
fn fold_signature(lines: &[&str], parts: &mut [Part]) {
    let end =
        |parts: &[Part], from: usize| (from..parts.len()).find(|at| parts[*at] == Part::Quoted).unwrap_or(parts.len());
    let last_words = |parts: &[Part]| parts.iter().rposition(|part| *part == Part::Written);
    let Some(last) = last_words(parts) else { return };
    let from = paragraph(parts, last);
    let said = lines[from..=last].join(" ");
    let device = said.trim_start_matches(['[', '(', '*', '_', ' ']).to_lowercase();
    if said.chars().count() <= SHORT && FROM_DEVICE.iter().any(|begin| device.starts_with(begin)) {
        quote(&mut parts[from..=last]);
    }
    let mark = (0..lines.len()).find(|at| parts[*at] == Part::Written && lines[*at].trim() == "--");
    if let Some(at) = mark {
        let end = end(parts, at);
        quote(&mut parts[at..end]);
    }
}

/// A line such as “-----Original Message-----”.
fn is_separator(line: &str) -> bool {
    let line = line.trim();
    let words = line.trim_matches('-').trim();
    line.starts_with("---") && line.ends_with("---") && words.contains(char::is_alphabetic)
}

/// A line of underscores or dashes, as Outlook draws one above a quote.
fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 10 && (line.bytes().all(|byte| byte == b'_') || line.bytes().all(|byte| byte == b'-'))
}

/// Whether these lines begin with the sender, the subject and more of a quoted mail.
fn is_header(lines: &[&str], is_ours: impl Fn(&str) -> bool) -> bool {
    if lines.first().and_then(|line| name(line)).is_none() {
        return false;
    }
    // Where it was HTML, blank lines may stand between.
    let block: Vec<&str> = lines.iter().copied().take(16).filter(|line| !line.trim().is_empty()).take(6).collect();
    let names: Vec<String> = block.iter().filter_map(|line| name(line)).collect();
    let has = |known: &[&str]| names.iter().any(|name| known.contains(&name.as_str()));
    names.len() >= 3 && (has(&FROM) && has(&SUBJECT) || block.iter().any(|line| is_ours(line)))
}

/// The name in a line such as “*From:* Team”, in lower case.
fn name(line: &str) -> Option<String> {
    let (name, value) = line.trim().split_once([':', '：'])?;
    let name = name.trim_matches(['*', ' ', '\u{a0}']).to_lowercase();
    let is_name = (1..=25).contains(&name.chars().count())
        && name.chars().all(|sign| sign.is_alphabetic() || matches!(sign, ' ' | '-' | '\''));
    (is_name && !value.trim_matches(['*', ' ']).is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_of(text: &str) -> (String, String) {
        let Split { written, folded } = split(text, |line| line.contains("@in.example"));
        (written, folded)
    }

    #[test]
    fn words_that_only_look_like_quotes_stay() {
        for text in [
            "Name: Vera\nOrder: 4711\nEmail: vera@visitor.example\n\nPlease help.",
            "These are missing:\n- the lid\n- the screw",
            "As you wrote on page 4:\nit is blue.",
            "> only a quote",
            "-- \nonly a signature",
            "Sent from Berlin.",
            "a -- b\n---\nc",
            "From: Berlin\nTo: Hamburg",
            "",
        ] {
            assert_eq!(split_of(text), (text.trim().to_owned(), String::new()), "{text}");
        }
    }

    #[test]
    fn answers_between_quotes_keep_the_quotes_that_they_answer() {
        let text = "Hello\n\nOn 27 Nov 2026, Team wrote:\n> Which colour?\n\nBlue.\n\n> Which size?\n\nXL.\n\n> Regards\n-- \nVera";
        let (written, folded) = split_of(text);
        assert_eq!(written, "Hello\n\nOn 27 Nov 2026, Team wrote:\n> Which colour?\n\nBlue.\n\n> Which size?\n\nXL.");
        assert_eq!(folded, "> Regards\n-- \nVera".replace("-- ", "--"));
    }

    #[test]
    fn an_answer_below_the_quote_is_found() {
        let (written, folded) = split_of("Am 27.11.26 um 15:19 schrieb Team:\n> Which colour?\n\nBlue.\n\n--\nVera");
        assert_eq!(written, "Blue.");
        assert_eq!(folded, "Am 27.11.26 um 15:19 schrieb Team:\n> Which colour?\n\n--\nVera");
    }
}
