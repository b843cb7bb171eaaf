// Ctrl+K: go to a page, do what the page offers, find tickets and people by typing. It uses
// the links and buttons of the page, and the search of the list of tickets.

import { element, pageOf } from "./shared.js";

const { home } = document.body.dataset;
const PAUSE = 150;
const MOST = 12;

const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const matches = (label, words) => words.every((word) => folded(label).includes(word));

// What this page and its frame can do.
const commands = () => {
  const all = [];
  for (const target of document.querySelectorAll("main [data-key]")) {
    if (target.matches("input, textarea, select")) all.push({ kind: "Do", label: target.getAttribute("aria-label"), run: () => target.focus() });
    else all.push({ kind: "Do", label: target.textContent.trim(), run: () => target.click() });
  }
  for (const option of document.querySelectorAll("#assignee option")) {
    const run = () => {
      const select = option.closest("select");
      select.value = option.value;
      select.form.requestSubmit();
    };
    all.push({ kind: "Do", label: option.value ? `Assign to ${option.textContent}` : "Unassign", run });
  }
  for (const link of document.querySelectorAll(".places a, .account a:not(.narrow-only)")) {
    all.push({ kind: "Go to", label: (link.querySelector("span") ?? link).textContent.trim(), run: () => link.click() });
  }
  return all;
};

// Tickets that the search finds, and the team's members from the filter of their list.
const find = async (text, signal) => {
  const url = `${home}/tickets?${new URLSearchParams(text ? { q: text } : {})}`;
  const answer = await fetch(url, { headers: { Accept: "text/html" }, signal }).catch(() => null);
  if (!answer?.ok) return [];
  const page = pageOf(await answer.text());
  const go = (href) => () => location.assign(href);
  if (answer.redirected) return [{ kind: "Ticket", label: page.title.replace(/ · Docket$/, ""), run: go(answer.url) }];
  const tickets = [...page.querySelectorAll(".tickets .row")].slice(0, MOST).map((row) => {
    const link = row.querySelector(".row-link");
    return { kind: "Ticket", label: `${row.querySelector(".number").textContent} ${link.textContent}`, run: go(link.getAttribute("href")) };
  });
  const people = [...page.querySelectorAll(".chip:first-child .menu-items a")].map((link) => {
    const url = new URL(link.getAttribute("href"), location.href);
    url.searchParams.delete("q");
    return { kind: "Person", label: `Tickets of ${link.textContent.trim()}`, run: go(url.href) };
  });
  const contacts = [...page.querySelectorAll("[data-contact]")].map((link) => ({ kind: "Person", label: `${link.textContent} ${link.title}`, run: go(link.getAttribute("href")) }));
  return [...people, ...contacts, ...tickets];
};

export const open = () => {
  const before = document.activeElement;
  const list = element("ul", { className: "palette-list", id: "palette-list", role: "listbox" });
  list.setAttribute("aria-label", "Results");
  const input = element("input", { type: "text", autocomplete: "off", placeholder: "Go to, do, or find a ticket or a person", role: "combobox" });
  for (const [name, value] of Object.entries({ label: "Command", controls: "palette-list", expanded: "true", autocomplete: "list" })) input.setAttribute(`aria-${name}`, value);
  const dialog = element("dialog", { className: "palette" }, input, list);
  dialog.setAttribute("aria-label", "Commands");

  const known = commands();
  let found = [];
  let at = 0;
  const mark = () => {
    [...list.children].forEach((item, index) => item.setAttribute("aria-selected", String(index === at)));
    const item = list.children[at];
    item?.scrollIntoView({ block: "nearest" });
    if (item) input.setAttribute("aria-activedescendant", item.id);
    else input.removeAttribute("aria-activedescendant");
  };
  const shown = () => {
    const words = folded(input.value).split(/\s+/).filter(Boolean);
    const fits = ({ kind, label }) => kind === "Ticket" || matches(label, words);
    return [...known, ...found].filter(fits);
  };
  const render = () => {
    const items = shown().map(({ kind, label }, index) => {
      const item = element("li", { id: `palette-${index}`, role: "option" }, element("span", { className: "quiet" }, kind), element("bdi", { className: "line" }, label));
      item.dataset.at = index;
      return item;
    });
    at = Math.min(at, Math.max(items.length - 1, 0));
    list.replaceChildren(...items);
    mark();
  };
  const run = (index) => {
    const chosen = shown()[index];
    if (!chosen) return;
    dialog.close();
    chosen.run();
  };

  let pause;
  let asked = new AbortController();
  const ask = () => {
    clearTimeout(pause);
    pause = setTimeout(async () => {
      asked.abort();
      asked = new AbortController();
      const { signal } = asked;
      const answer = await find(input.value.trim(), signal);
      if (signal.aborted) return;
      found = answer;
      render();
    }, PAUSE);
  };
  input.addEventListener("input", () => {
    at = 0;
    render();
    ask();
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      at = (at + step + list.children.length) % Math.max(list.children.length, 1);
      mark();
    } else if (event.key === "Enter") run(at);
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", ({ target }) => target.closest("li") && run(Number(target.closest("li").dataset.at)));
  dialog.addEventListener("close", () => {
    asked.abort();
    dialog.remove();
    before?.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  input.focus();
  render();
  ask();
};
