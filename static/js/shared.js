// Helpers for several scripts.

export const element = (tag, properties, ...content) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...content);
  return made;
};

// An error message that screen readers announce at once.
export const problem = (...content) => element("p", { className: "problem", role: "alert" }, ...content);

// Lets a field refer to a line about it, beside others; and no longer.
const describedBy = (field) => new Set((field.getAttribute("aria-describedby") ?? "").split(/\s+/).filter(Boolean));
export const describe = (field, { id }) => field.setAttribute("aria-describedby", [...describedBy(field).add(id)].join(" "));
export const undescribe = (field, { id }) => {
  const ids = describedBy(field);
  ids.delete(id);
  if (ids.size) field.setAttribute("aria-describedby", [...ids].join(" "));
  else field.removeAttribute("aria-describedby");
};

// Parses a page from the server's response.
export const pageOf = (html) => new DOMParser().parseFromString(html, "text/html");

export const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

// Tells all listeners that a script has changed a field.
export const changed = (field) => field.dispatchEvent(new Event("input", { bubbles: true }));

// Announces a change away from the focus to screen readers, in frame/announcements.js.
export const say = (text) => document.dispatchEvent(new CustomEvent("docket:say", { detail: text }));
