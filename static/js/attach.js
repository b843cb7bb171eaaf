// Files of a reply: shows which are chosen, and takes dropped and pasted ones on the page of a
// conversation. Without scripts, the browser's own field does.

import { element, say } from "./shared.js";

const form = document.querySelector("form.reply");
const input = form?.elements.files;
const list = element("ul", { className: "chosen", hidden: true });

const choose = (files) => {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  input.files = transfer.files;
  show();
};

const show = () => {
  const files = [...input.files];
  const item = (file) => {
    const remove = element("button", { type: "button", className: "small plain", ariaLabel: `Remove ${file.name}` }, "×");
    remove.addEventListener("click", () => {
      choose(files.filter((other) => other !== file));
      form.elements.body.focus();
    });
    return element("li", {}, element("bdi", {}, file.name), remove);
  };
  list.replaceChildren(...files.map(item));
  list.hidden = files.length === 0;
};

const add = (files) => {
  choose([...input.files, ...files]);
  say(`${files.length === 1 ? files[0].name : `${files.length} files`} added to the reply.`);
};

if (input) {
  form.querySelector(".actions").after(list);
  input.addEventListener("change", show);
  let sending = [];
  form.addEventListener("submit", () => (sending = [...input.files]), { capture: true });
  // What was chosen in the meantime goes with the next reply.
  form.addEventListener("docket:sent", () => choose([...input.files].filter((file) => !sending.includes(file))));
  // On the page of a ticket, dropped files go on the ticket.
  if (document.querySelector(".talk")) {
    window.addEventListener("drop", (event) => {
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      add(event.dataTransfer.files);
    }, { capture: true });
    form.addEventListener("paste", ({ clipboardData }) => {
      if (clipboardData?.files.length && !clipboardData.types.includes("text/plain")) add(clipboardData.files);
    });
  }
}
