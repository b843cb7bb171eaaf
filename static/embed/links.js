// Returns the [start, end] of every web address in a text. The desk uses the same rule in
// Rust; tests/links.json checks both.
const linksIn = (text) => {
  const START = /(?<![A-Za-z0-9_])https?:\/\//gi;
  // White space, control characters, bidi marks, and CJK punctuation.
  const END =
    /[\p{White_Space}\p{Cc}<>"`\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u3001\u3002\u3008-\u3011\u3014-\u301f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]/u;
  const OPENER = { ")": "(", "]": "[", "}": "{" };
  // At the end of an address, these belong to the sentence.
  const TRAILING = ".,;:!?'\"…’”‘“*_~([{";

  const links = [];
  for (let found; (found = START.exec(text)); ) {
    const host = START.lastIndex;
    const open = { "(": 0, "[": 0, "{": 0 };
    let end = host;
    for (; end < text.length && !END.test(text[end]); end += 1) {
      const char = text[end];
      if (char in open) open[char] += 1;
      // This bracket was opened before the address, so it closes after it.
      if (char in OPENER && --open[OPENER[char]] < 0) break;
    }
    while (TRAILING.includes(text[end - 1])) end -= 1;
    if (/[\p{Alphabetic}\p{N}]/u.test(text.slice(host, end))) links.push([found.index, end]);
    START.lastIndex = end;
  }
  return links;
};
