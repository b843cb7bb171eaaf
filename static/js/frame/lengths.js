// Never truncates long text: near the limit, a counter shows how much is left; beyond it, by
// how much the text is too long, and the form is not sent. Counts like the server: Unicode characters, without extra spaces in
// single-line fields.
import { describe, element, say } from "../shared.js";

const lengthOf = (field) => {
  const isLine = field.matches("input, [data-one-line]");
  return [...(isLine ? field.value.trim().replace(/\s+/g, " ") : field.value)].length;
};
// What remains is shown for the last tenth.
const left = (field) => {
  const max = Number(field.dataset.max);
  const rest = max - lengthOf(field);
  return rest >= 0 && rest <= max / 10 ? `${rest.toLocaleString("en")} of ${max.toLocaleString("en")} characters left` : "";
};
const tooLong = (field) => {
  const max = Number(field.dataset.max);
  const over = lengthOf(field) - max;
  if (over <= 0) return "";
  const characters = over === 1 ? "1 character" : `${over.toLocaleString("en")} characters`;
  return `${characters} too many. At most ${max.toLocaleString("en")}.`;
};
// The field refers to its message, and a pause in typing announces it, so the message must
// not be part of the label.
const lines = new WeakMap();
let count = 0;
const lineOf = (field) => {
  if (lines.has(field)) return lines.get(field);
  const line = element("span", { className: "too-long", id: `too-long-${++count}` });
  line.setAttribute("aria-hidden", "true");
  describe(field, line);
  field.after(line);
  lines.set(field, line);
  return line;
};
const measure = (field, isTyping) => {
  const text = tooLong(field);
  const line = lineOf(field);
  field.setCustomValidity(text);
  line.textContent = text || (isTyping ? left(field) : "");
  // The server may have found something else to be wrong.
  if (text) field.setAttribute("aria-invalid", "true");
  else if (line.classList.contains("is-over")) field.removeAttribute("aria-invalid");
  line.classList.toggle("is-over", text !== "");
};
let pause;
document.addEventListener("input", ({ target: field }) => {
  if (!field.matches("[data-max]")) return;
  measure(field, document.activeElement === field);
  clearTimeout(pause);
  pause = setTimeout(() => field.validationMessage && say(lineOf(field).textContent), 1000);
});
for (const field of document.querySelectorAll("[data-max]")) measure(field, false);
document.addEventListener("focusout", ({ target: field }) => field.matches("[data-max]") && measure(field, false));
