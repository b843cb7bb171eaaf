//! What people write to a shop, and what agents note about it.

/// A reason to contact the shop, with the chat and ticket that follow.
pub(super) struct Topic {
    pub(super) titles: &'static [&'static str],
    pub(super) tags: &'static [&'static str],
    /// The visitor's and the agent's messages in turn.
    pub(super) chat: &'static [&'static str],
    pub(super) notes: &'static str,
    pub(super) followup: &'static str,
}

pub(super) const TOPICS: [Topic; 9] = [
    Topic {
        titles: &[
            "Checkout button does nothing in Safari",
            "Cannot pay: the button is dead",
            "Payment page hangs after address",
        ],
        tags: &["bug", "checkout"],
        chat: &[
            "Hi, I try to pay but the button at the end does nothing at all. I have tried three times now.",
            "Sorry about that! Which browser are you using, and on what device?",
            "Safari on an iPad, the newest version I think. It worked last month.",
            "Thank you, that helps. I will pass it on to our developers and write to you once it works.",
        ],
        notes: "Seen on Safari for iPad. The console says: TypeError in pay.js, line 212.\nSteps: basket with a voucher → address → pay.",
        followup: "Developers can reproduce it; a fix is planned with the next release.",
    },
    Topic {
        titles: &["Refund for a damaged lamp", "Parcel arrived broken, wants money back", "Refund: order 1041"],
        tags: &["refund"],
        chat: &[
            "The lamp I ordered came in pieces. I would like my money back, please.",
            "Oh no! Could you send a photo of the parcel? Then I can start the refund today.",
            "Sent it by mail just now. The box was wet as well.",
        ],
        notes: "Photo attached. Carrier claim number: 77-2041.\nRefund in full, no return needed.",
        followup: "Refund is on its way; the bank needs three to five days.",
    },
    Topic {
        titles: &["Quote for 40 desks", "Sales: office in Lyon wants an offer", "Bulk order, needs a quote"],
        tags: &["sales"],
        chat: &[
            "We are moving into a new office and need about 40 desks. Is there a price for that?",
            "There is! From 20 pieces on we deliver free of charge. May I send you an offer by mail?",
            "Yes please. We decide at the end of the month.",
        ],
        notes: "40 × desk Nord, birch. Decision at the end of the month.\nAsk for the delivery floor: there may be no lift.",
        followup: "Offer sent. Call again on Thursday.",
    },
    Topic {
        titles: &[
            "Feature: save several addresses",
            "Wants to choose between delivery addresses",
            "Address book in the account",
        ],
        tags: &["feature request", "account"],
        chat: &[
            "It would be great if I could keep more than one delivery address. I order for my parents, too.",
            "That is a good idea, and you are not the first to ask. I will add your voice to it.",
        ],
        notes: "Asked for by several customers. Compare with #3.",
        followup: "Product says: planned for spring.",
    },
    Topic {
        titles: &["Dark mode for the shop", "Feature: dark design", "The site is too bright at night"],
        tags: &["feature request", "design"],
        chat: &[
            "Your website is blinding at night. Please make a dark mode!",
            "Noted! Our designers will like to hear it.",
        ],
        notes: "Theme: dark mode. See also https://www.example.com/ideas/17.",
        followup: "Added to the list of ideas.",
    },
    Topic {
        titles: &["Where is my order?", "Parcel stuck since Monday", "Tracking shows no movement"],
        tags: &["delivery"],
        chat: &[
            "My parcel has been in the same depot since Monday. Do you know more?",
            "I have just asked the carrier. They are looking for it and will call back until tomorrow noon.",
            "Okay. If it is lost, please send a new one, it is a birthday present.",
        ],
        notes: "Carrier was asked on the phone. Birthday is on the 12th: send a new one by express if it is not found.",
        followup: "Found it. Delivery is tomorrow.",
    },
    Topic {
        titles: &["Invoice with VAT number", "Needs a corrected invoice", "Invoice: company name is missing"],
        tags: &["billing"],
        chat: &[
            "I need the invoice with our VAT number, otherwise our accounting will not take it.",
            "Of course. Which number should be on it?",
            "ESX1234567X. Thank you!",
        ],
        notes: "VAT: ESX1234567X\nOrder 1077, invoice 2026-1077.",
        followup: "Corrected invoice is sent.",
    },
    Topic {
        titles: &[
            "Cannot sign in after password change",
            "Reset link says it has expired",
            "Locked out of the account",
        ],
        tags: &["bug", "account"],
        chat: &[
            "I changed my password and now I cannot sign in. The link in the mail says it has expired.",
            "How long after the mail did you open the link? It works for one hour.",
            "Five minutes at most.",
        ],
        notes: "The link expires at once for people east of UTC. A time zone bug?",
        followup: "Yes, a time zone bug. Fixed, and the customer can sign in again.",
    },
    Topic {
        titles: &["質問：日本への配送について", "Versand in die Schweiz möglich?", "¿Hacen envíos a Canarias?"],
        tags: &["delivery", "sales"],
        chat: &[
            "Do you deliver to where I live? The checkout does not offer my country.",
            "Not yet, but from next month on. Shall I write to you then?",
            "Yes, gladly. Größe M, bitte!",
        ],
        notes: "Write as soon as the new countries are open.",
        followup: "Countries open on the first. Mail is prepared.",
    },
];

pub(super) const FIRST_NAMES: [&str; 16] = [
    "Ana",
    "Björn",
    "Chloé",
    "Dilan",
    "Emeka",
    "Farah",
    "Giulia",
    "Hiro",
    "Ines",
    "Jakub",
    "Kateřina",
    "Liam",
    "Mei",
    "Noor",
    "Olga",
    "Priya",
];

pub(super) const LAST_NAMES: [&str; 14] = [
    "Okafor",
    "Lindqvist",
    "Moreau",
    "Yılmaz",
    "Rossi",
    "Tanaka",
    "García",
    "Nowak",
    "Novák",
    "Walsh",
    "Chen",
    "Haddad",
    "Petrova",
    "Sharma",
];

pub(super) const COUNTRIES: [&str; 10] = ["DE", "FR", "ES", "SE", "JP", "US", "NG", "PL", "IN", "GB"];

pub(super) const PAGES: [&str; 6] = [
    "https://www.example.com/",
    "https://www.example.com/checkout?step=payment",
    "https://www.example.com/desks/nord",
    "https://www.example.com/lamps",
    "https://www.example.com/contact",
    "https://www.example.com/account/orders",
];
