//! Folding: what search takes for the same. Unicode's tables decide, through ICU4X; the only
//! table of ours says where a mark makes another letter.

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed as Composer, DecomposingNormalizerBorrowed as Decomposer};
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, LineBreak, Script};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Stretches Arabic words without a meaning of its own.
const TATWEEL: char = '\u{640}';

/// Folds case (ß is ss, ς is σ), compatibility forms (ﬁ is fi, ｶ is カ) and the marks of
/// alphabets that are typed without them as well (é is e). Letters that no table takes apart
/// become their usual ASCII spelling (ł is l, þ is th). Invisible signs go. Marks that make
/// another letter stay: in Indic, Thai and kana all of them, and й beside и.
pub fn fold(text: &str) -> String {
    let seen: String = text.chars().filter(|c| !is_invisible(*c)).collect();
    let folded = CaseMapper::new().fold_string(&seen);
    let (mut kept, mut base) = (String::with_capacity(folded.len()), '\0');
    // The fold of a letter can have marks, and that of a compatibility form capitals.
    let apart = Decomposer::new_nfkd().normalize(&folded).into_owned();
    for c in CaseMapper::new().fold_string(&apart).chars() {
        if !is_mark(c) {
            base = c;
            spell(c, &mut kept);
        } else if is_part_of_letter(base, c) {
            kept.push(c);
        }
    }
    Composer::new_nfc().normalize(&kept).into_owned()
}

fn is_invisible(c: char) -> bool {
    c == TATWEEL || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// A letter, or in Latin its ASCII spelling.
fn spell(c: char, kept: &mut String) {
    match deunicode::deunicode_char(c) {
        Some(spelling) if !c.is_ascii() && c.is_alphabetic() && script_of(c) == Script::Latin => {
            kept.extend(spelling.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()));
        }
        _ => kept.push(c),
    }
}

pub fn is_mark(c: char) -> bool {
    GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(c))
}

fn script_of(c: char) -> Script {
    CodePointMapData::<Script>::new().get(c)
}

/// Whether `mark` makes another letter of `base`.
fn is_part_of_letter(base: char, mark: char) -> bool {
    match script_of(base) {
        // Vowel points and hamza are mostly left out.
        Script::Latin | Script::Greek | Script::Arabic | Script::Hebrew | Script::Syriac => false,
        Script::Common | Script::Inherited => false,
        Script::Cyrillic => match mark {
            // ѓ and ќ are letters; elsewhere it is the stress.
            '\u{301}' => matches!(base, 'г' | 'к'),
            '\u{300}' => false,
            // ё is written as е by most.
            '\u{308}' => base != 'е',
            _ => true,
        },
        _ => true,
    }
}

/// Whether a sign belongs to a script that is written without spaces, or, as Korean, with
/// words that others are looked for in: lines break between such signs, or where only a
/// dictionary knows (UAX 14).
pub fn is_spaceless(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    matches!(
        CodePointMapData::<LineBreak>::new().get(c),
        LineBreak::Ideographic
            | LineBreak::ConditionalJapaneseStarter
            | LineBreak::Nonstarter
            | LineBreak::ComplexContext
            | LineBreak::H2
            | LineBreak::H3
            | LineBreak::JL
            | LineBreak::JV
            | LineBreak::JT
            | LineBreak::Aksara
            | LineBreak::AksaraPrebase
            | LineBreak::AksaraStart
    )
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn what_search_takes_for_the_same() {
        let cases = [
            ("Größe, Ärger & CAFÉ", "grosse, arger & cafe"),
            ("İstanbul ﬁle Kırıkkale", "istanbul file kirikkale"),
            (
                "Þór Guðmundsson, Đặng Thị Hà, Ħamrun, Œuvre, Wałęsa, Søren Ærø",
                "thor gudmundsson, dang thi ha, hamrun, oeuvre, walesa, soren aero",
            ),
            ("Οδυσσεύς ΟΔΥΣΣΕΥΣ", "οδυσσευσ οδυσσευσ"),
            ("Rech\u{ad}nung می\u{200c}خواهم محـــمد مُحَمَّد", "rechnung میخواهم محمد محمد"),
            ("й ё стре\u{301}сс ї ѓ", "й е стресс ї ѓ"),
            ("ガラス ｶﾞﾗｽ がき かき", "ガラス ガラス がき かき"),
            ("दिल दाल கால் ข้าว 한국어", "दिल दाल கால் ข้าว 한국어"),
        ];
        for (text, expected) in cases {
            assert_eq!(fold(text), expected, "{text}");
        }
    }
}
