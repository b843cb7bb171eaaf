// What several scripts need.

// An element with these properties and this content.
export const element = (tag, properties, ...content) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...content);
  return made;
};

// A line that says what is wrong, and is read out at once.
export const problem = (...content) => element("p", { className: "problem", role: "alert" }, ...content);

// A page that the server has answered with.
export const pageOf = (html) => new DOMParser().parseFromString(html, "text/html");

// Tells all listeners that a script has changed a field.
export const changed = (field) => field.dispatchEvent(new Event("input", { bubbles: true }));

// Announces what happens away from the focus; frame/announcements.js reads it out.
export const say = (text) => document.dispatchEvent(new CustomEvent("docket:say", { detail: text }));
