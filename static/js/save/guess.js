// Shows at once what a save will most likely do: status, assignee and tags. Each function
// returns how to take that back.

import { element } from "../shared.js";

const nothing = () => {};

const status = (form, sent) => {
  const choice = document.querySelector(".status-choice");
  if (!choice) return nothing;
  const before = choice.dataset.status;
  const set = (word) => {
    choice.dataset.status = word;
    choice.querySelector("use").setAttribute("href", `#i-${word}`);
    choice.querySelector("select").value = word;
  };
  set(sent.get("status"));
  return () => set(before);
};

const assignee = (form, sent) => {
  const select = document.getElementById("assignee");
  const before = [...select.options].find((option) => option.defaultSelected)?.value ?? "";
  select.value = sent.get("assignee");
  return () => (select.value = before);
};

const tags = (form, sent) => {
  const list = document.querySelector("[data-live=tags]");
  const removed = sent.has("remove") ? form.closest(".tag") : null;
  const added = (sent.get("add") ?? "").split(",").map((name) => name.trim()).filter(Boolean).map((name) => element("li", { className: "tag" }, name));
  if (removed) removed.hidden = true;
  list.append(...added);
  return () => {
    if (removed) removed.hidden = false;
    for (const tag of added) tag.remove();
  };
};

const GUESSES = { status, assignee, tags };

export const guess = (form, sent) => {
  const [, act] = new URL(form.action).pathname.match(/\/tickets\/\d+\/(\w+)$/) ?? [];
  return GUESSES[act]?.(form, sent) ?? nothing;
};
