// What follows after files of a ticket have changed.

import { say } from "./shared.js";

// Announces files that arrive at the same time together.
let attached = [];
const announce = () => {
  if (attached.length) say(attached.length > 1 ? `${attached.length} files attached.` : `${attached[0]} attached.`);
  attached = [];
};
document.addEventListener("docket:attached", (event) => {
  if (event.detail) attached.push(event.detail);
  setTimeout(announce, 500);
});

// A removed file takes the focus with it: it moves to the undo button. A restored one gets
// it back.
document.addEventListener("docket:saved", ({ detail: { form } }) => {
  const [, id, act] = form.action.match(/attachments\/([^/]+)\/(delete|restore)$/) ?? [];
  const undo = document.querySelector(".flash form");
  if (act === "delete" && undo) {
    undo.dataset.file = id;
    undo.querySelector("button").focus();
  }
  const restored = act === "restore" ? id : form.dataset.file;
  if (restored) document.querySelector(`#file-${CSS.escape(restored)} a`)?.focus();
});
