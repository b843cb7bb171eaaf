//! Detects the format of rejected files, and advises what to send instead.

/// Format names by extension, as detected or as in the file name.
const NAMES: [(&[&str], &str); 21] = [
    (&["heif", "heic"], "HEIC"),
    (&["avif"], "AVIF"),
    (&["tif", "tiff"], "TIFF"),
    (&["bmp"], "BMP"),
    (&["jxl"], "JPEG XL"),
    (&["psd"], "Photoshop"),
    (&["ico"], "an icon"),
    (&["svg"], "SVG"),
    (&["html", "htm"], "HTML"),
    (&["rtf"], "RTF"),
    (&["xls", "xlsx"], "Excel"),
    (&["ppt", "pptx"], "PowerPoint"),
    (&["odt"], "OpenDocument"),
    (&["mp4", "m4v"], "an MP4 video"),
    (&["mov"], "a QuickTime video"),
    (&["webm", "mkv", "avi"], "a video"),
    (&["mp3", "m4a", "ogg", "flac", "wav"], "audio"),
    (&["zip"], "ZIP"),
    (&["rar", "7z", "gz", "tar", "bz2", "xz", "zst"], "an archive"),
    (&["exe", "elf", "mach", "msi", "dll"], "a program"),
    (&["sqlite"], "a database"),
];

/// The format of content that is not an accepted type, if it can be detected.
pub(super) fn format(bytes: &[u8]) -> Option<&'static str> {
    let found = infer::get(bytes)?.extension();
    NAMES.iter().find(|(endings, _)| endings.contains(&found)).map(|(_, name)| *name)
}

/// Advice on how to send the content in an accepted format. `word` is a name from
/// [`NAMES`] or a file extension in lower case. Empty when there is no advice.
pub(super) fn advice(word: &str) -> &'static str {
    let named = NAMES.iter().find(|(endings, _)| endings.contains(&word)).map_or(word, |(_, name)| *name);
    match named {
        "HEIC" | "AVIF" | "TIFF" | "BMP" | "JPEG XL" | "Photoshop" | "an icon" => " Save the picture as JPEG or PNG.",
        "RTF" | "OpenDocument" | "pages" | "docm" | "dotx" | "dot" => " Save the document as DOCX or PDF.",
        "Excel" | "ods" | "numbers" | "xlsm" => " Save the table as CSV or PDF.",
        "PowerPoint" | "SVG" | "HTML" | "odp" | "key" | "eml" | "msg" => " Save it as PDF.",
        "ZIP" | "an archive" => " Unpack it and attach the files inside.",
        "log" | "md" | "json" | "xml" | "yaml" | "yml" => " Rename it to end in .txt.",
        _ => "",
    }
}
