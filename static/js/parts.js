// Brings parts of a page up to date from a fresh copy of it. What has not changed stays in
// place, so focus, selection, scrolling and the position of screen readers are kept, and so
// is everything that the user is typing.

// Set by scripts or by the user, never by the server.
const OURS = ["open", "aria-invalid", "aria-describedby", "aria-busy", "data-sent"];

// Whether something was left as it was because the user is in it.
let isSkipped = false;

// The option that the server has selected; without one, the first.
const storedIndex = (select) => Math.max([...select.options].findIndex((one) => one.defaultSelected), 0);
const isChanged = (field) => {
  if (field.matches("select")) return field.selectedIndex !== storedIndex(field);
  return !["hidden", "checkbox"].includes(field.type) && field.value !== field.defaultValue;
};

const syncAttributes = (old, fresh) => {
  for (const { name } of [...old.attributes]) if (!OURS.includes(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  // Scripts mark forms with classes.
  for (const { name, value } of fresh.attributes) {
    if (OURS.includes(name) || (name === "class" && old.matches("form"))) continue;
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
};

const syncChildren = (old, fresh) => {
  const next = [...fresh.childNodes];
  const ids = new Set(next.map(({ id }) => id).filter(Boolean));
  for (const child of [...old.children]) if (child.id && !ids.has(child.id)) child.remove();
  const known = new Map([...old.children].filter(({ id }) => id).map((child) => [child.id, child]));
  let at = old.firstChild;
  for (const node of next) {
    let there = known.get(node.id);
    if (!there && at && !at.id && !node.id && at.nodeName === node.nodeName) there = at;
    if (!there) {
      old.insertBefore(node, at);
      continue;
    }
    if (there === at) at = at.nextSibling;
    else old.insertBefore(there, at);
    sync(there, node);
  }
  while (at) {
    const { nextSibling } = at;
    at.remove();
    at = nextSibling;
  }
};

// Makes `old` like `fresh`.
export const sync = (old, fresh) => {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.data = fresh.data;
    return;
  }
  if (old.matches("[data-editor][open]")) {
    isSkipped = true;
    return;
  }
  const isField = old.matches("input, select, textarea");
  if (isField && isChanged(old)) {
    isSkipped = true;
    return;
  }
  syncAttributes(old, fresh);
  syncChildren(old, fresh);
  // The options and the attribute only say what the value is at first.
  if (old.matches("select")) old.selectedIndex = storedIndex(old);
  else if (isField) old.value = old.defaultValue;
};

// Values of a form outside of the live parts, unless the user has changed one of them or is
// in one.
const syncForm = (old, fresh) => {
  const fields = [...old.elements].filter((field) => field.name);
  if (fields.some((field) => field === document.activeElement || isChanged(field))) {
    isSkipped = true;
    return;
  }
  for (const field of fields) {
    const next = fresh.elements[field.name];
    if (!next) continue;
    field.value = field.defaultValue = next.value;
    if (next.dataset.version) field.dataset.version = next.dataset.version;
  }
};

// Updates all live parts. Returns whether something was left alone. After a change by
// somebody else, what the user is in stays where it is on the screen, though the page above
// it grows.
export const update = (page, isOthers) => {
  isSkipped = false;
  const anchor = isOthers && document.activeElement?.closest("main :not(aside *):is(a, button, input, select, summary, textarea)");
  const top = anchor ? anchor.getBoundingClientRect().top : 0;
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${part.dataset.live}"]`);
    if (fresh) sync(part, fresh);
  }
  for (const form of document.querySelectorAll("[data-live-fields]")) {
    const fresh = page.querySelector(`[data-live-fields="${form.dataset.liveFields}"]`);
    if (fresh) syncForm(form, fresh);
  }
  const moved = anchor && anchor.isConnected ? anchor.getBoundingClientRect().top - top : 0;
  if (Math.abs(moved) >= 1) scrollBy(0, moved);
  return isSkipped;
};
