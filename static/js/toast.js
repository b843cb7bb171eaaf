// The result of the last action, beside the page: at most one, until it is dismissed or the
// next one comes.

import { element, problem } from "./shared.js";

const KEY = `docket-toast-${document.body.dataset.desk}`;
const SHOWN = 15_000;
const place = document.querySelector("[data-toasts]");

const prepare = (toast) => {
  const close = element("button", { type: "button", className: "plain small" }, "×");
  close.setAttribute("aria-label", "Dismiss");
  close.addEventListener("click", () => {
    toast.remove();
    document.getElementById("main").focus();
  });
  toast.append(close);
  const hide = () => (toast.matches(":hover, :focus-within") ? setTimeout(hide, SHOWN) : toast.remove());
  setTimeout(hide, SHOWN);
};

// `toast` is one from the server's page, or a text.
export const show = (toast, isProblem = false) => {
  if (!place || !toast) return null;
  const box = typeof toast === "string" ? element("div", { className: "flash" }, element("p", {}, toast)) : toast;
  box.classList.toggle("problem", isProblem);
  place.replaceChildren(box);
  prepare(box);
  return box;
};

// Shows a toast and problems on the next page, if it has this path.
export const showLater = (path, text, problems = []) => sessionStorage.setItem(KEY, JSON.stringify({ path, text, problems }));

const later = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
sessionStorage.removeItem(KEY);
if (later && later.path === location.pathname) {
  document.querySelector("main").prepend(...later.problems.map((text) => problem(text)));
  show(later.text);
}
const first = place?.querySelector(".flash:not(:has([aria-label=Dismiss]))");
if (first) prepare(first);
