// Files dropped on the ticket or chosen: each is sent by itself, with its own
// bar, and says why if it is not taken.

const form = document.querySelector("[data-upload]");
const AT_ONCE = 3;
const waiting = [];
let running = 0;

const line = (file) => {
  const item = document.createElement("li");
  item.className = "upload";
  const name = document.createElement("span");
  name.textContent = file.name;
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `Sending ${file.name}`);
  const cancel = document.createElement("button");
  cancel.type = "button";
  cancel.className = "small";
  cancel.textContent = "Cancel";
  cancel.setAttribute("aria-label", `Cancel ${file.name}`);
  const text = document.createElement("span");
  text.className = "upload-note";
  item.append(name, bar, cancel, text);
  form.querySelector("[data-uploads]").append(item);
  return { item, bar, cancel, text };
};

const fail = (view, message) => {
  view.item.classList.add("failed");
  view.bar.remove();
  view.text.textContent = message;
  view.cancel.textContent = "Hide";
  view.cancel.onclick = () => view.item.remove();
};

const refusal = (file) => {
  const allowed = form.querySelector("[type=file]").accept.split(",");
  if (!allowed.some((ending) => file.name.toLowerCase().endsWith(ending))) return "This type of file is not taken.";
  if (file.size > Number(form.dataset.maxBytes)) return "The file is larger than 5 MB.";
  return file.size === 0 ? "The file is empty." : "";
};

// The list is the server's own: the page is read again and its list put here.
const refresh = async () => {
  const answer = await fetch(form.action.replace(/\/attachments$/, ""), { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.querySelector("[data-file-list]").replaceWith(page.querySelector("[data-file-list]"));
};

const explain = (request) => {
  try {
    const answer = JSON.parse(request.responseText);
    return answer.rejected?.[0]?.message ?? answer.error?.message ?? "The server did not take the file.";
  } catch {
    if (request.status === 413) return "A proxy before the server refuses files of this size; let it pass at least 6 MB.";
    return request.status ? `The server answered ${request.status}.` : "The connection was lost. Choose the file again.";
  }
};

const send = ({ file, view }) => {
  const request = new XMLHttpRequest();
  const body = new FormData();
  body.append("files", file, file.name);
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.upload.onprogress = (event) => {
    if (event.lengthComputable) view.bar.value = event.loaded / event.total;
  };
  request.onload = async () => {
    if (request.status !== 201) return fail(view, explain(request));
    await refresh();
    view.item.remove();
  };
  request.onerror = () => fail(view, explain(request));
  request.onabort = () => view.item.remove();
  request.onloadend = () => {
    running -= 1;
    next();
  };
  view.cancel.onclick = () => request.abort();
  request.send(body);
};

const next = () => {
  while (running < AT_ONCE && waiting.length) {
    running += 1;
    send(waiting.shift());
  }
};

const add = (files) => {
  for (const file of files) {
    const view = line(file);
    const reason = refusal(file);
    if (reason) {
      fail(view, reason);
      continue;
    }
    const job = { file, view };
    view.cancel.onclick = () => {
      waiting.splice(waiting.indexOf(job), 1);
      view.item.remove();
    };
    waiting.push(job);
  }
  next();
};

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");

if (form) {
  const input = form.querySelector("[type=file]");
  input.addEventListener("change", () => {
    add([...input.files]);
    input.value = "";
  });
  window.addEventListener("beforeunload", (event) => {
    if (running || waiting.length) event.preventDefault();
  });
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dragging");
  });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    document.body.classList.remove("dragging");
    add([...event.dataTransfer.files]);
  });
}
