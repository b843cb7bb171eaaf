//! Text whose lines a mail program has broken (`format=flowed`, RFC 3676).

/// Joins the lines that belong to one paragraph. `deletes_space` is the parameter `DelSp`.
pub fn joined(text: &str, deletes_space: bool) -> String {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    for line in text.lines() {
        let depth = line.bytes().take_while(|byte| *byte == b'>').count();
        let content = &line[depth..];
        let content = content.strip_prefix(' ').unwrap_or(content);
        // The line above a signature ends with a space, too.
        let is_signature = content == "-- ";
        match lines.last_mut().filter(|(last, _)| is_open && *last == depth && !is_signature) {
            Some((_, paragraph)) => paragraph.push_str(content),
            None => lines.push((depth, content.to_owned())),
        }
        is_open = content.ends_with(' ') && !is_signature;
        if let Some((_, paragraph)) = lines.last_mut().filter(|_| is_open && deletes_space) {
            paragraph.pop();
        }
    }
    let prefix = |depth: usize| if depth == 0 { String::new() } else { format!("{} ", ">".repeat(depth)) };
    lines.iter().map(|(depth, line)| format!("{}{line}\n", prefix(*depth))).collect()
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn paragraphs_are_joined_within_their_depth() {
        let text = "One \ntwo\n\n> quoted \n> on\n> new\n answer \n  indented\n-- \nVera\n";
        let expected = "One two\n\n> quoted on\n> new\nanswer  indented\n-- \nVera\n";
        assert_eq!(joined(text, false), expected);
        assert_eq!(joined("日本 \n語\n", true), "日本語\n");
    }
}
