// Sends files one after the other, so that they keep their order. Each file has its own
// progress bar, speed, cancel and retry, and shows the reason if it is refused. pick.js
// provides the files.

import { element, say } from "./shared.js";

const box = document.querySelector("[data-upload]");
const waiting = [];
// The problem with each failed file. Leaving the page would lose files that can be retried.
const failed = new Map();
let sending = false;
// Where to send the files. The new ticket page sets it later, with docket:send.
let target = { address: box.action };

const megabytes = (bytes) => (bytes / 1_048_576).toFixed(1);
const size = (bytes) => (bytes < 1_048_576 ? `${Math.ceil(bytes / 1024)} KB` : `${megabytes(bytes)} MB`);

const line = (file) => {
  const item = box.querySelector("[data-upload-line]").content.firstElementChild.cloneNode(true);
  const part = (selector) => item.querySelector(selector);
  const view = { item, bar: part("progress"), note: part(".upload-note"), retry: part("[data-retry]"), cancel: part("[data-cancel]") };
  part(".upload-name").textContent = file.name;
  view.bar.setAttribute("aria-label", `Sending ${file.name}`);
  view.retry.setAttribute("aria-label", `Try ${file.name} again`);
  if (file.type.startsWith("image/")) {
    const face = part(".upload-face");
    face.src = URL.createObjectURL(file);
    face.onload = () => (face.hidden = false);
  }
  box.querySelector("[data-uploads]").append(item);
  return view;
};

// Removes a line and moves the focus to the next one if it was inside.
const drop = (job) => {
  const { item } = job.view;
  failed.delete(job);
  URL.revokeObjectURL(item.querySelector(".upload-face").src);
  const other = item.nextElementSibling ?? item.previousElementSibling;
  const next = other?.querySelector("button:not([hidden])") ?? box.querySelector("[type=file]");
  const had = item.contains(document.activeElement);
  item.remove();
  if (had) next.focus();
};

const fail = (job, message, mayRetry) => {
  const { file, view } = job;
  view.item.classList.add("failed");
  view.bar.hidden = true;
  view.note.textContent = message;
  view.cancel.textContent = "Hide";
  view.cancel.setAttribute("aria-label", `Hide ${file.name}`);
  view.cancel.onclick = () => drop(job);
  view.cancel.hidden = false;
  view.retry.hidden = !mayRetry;
  failed.set(job, { text: `${file.name} was not attached: ${message}`, mayRetry });
  view.retry.onclick = () => queue(job);
  say(`${file.name}: ${message}`);
};

// The server checks name and content, and explains problems with them.
const refusal = (file) => {
  if (file.size > Number(box.dataset.maxBytes)) return "The file is larger than 5 MB.";
  return file.size === 0 ? "The file is empty." : "";
};

// The message to show, and whether retrying makes sense.
const explain = ({ status, responseText }) => {
  try {
    const answer = JSON.parse(responseText);
    const refused = answer.rejected?.[0];
    return [refused?.message ?? answer.error.message, !refused || refused.code === "no_room"];
  } catch {
    if (status === 413) return ["A proxy before the server refuses files of this size; it has to let 6 MB pass.", true];
    return [status ? `Something before the server answered ${status}.` : "The connection was lost.", true];
  }
};
const canBeRead = (file) => file.slice(0, 1).arrayBuffer().then(() => true, () => false);

const offerSignIn = ({ retry }) => {
  retry.before(element("a", { href: box.dataset.signIn, target: "_blank" }, "Sign in in a new tab"));
};

const send = async (job) => {
  const { file, view } = job;
  const request = new XMLHttpRequest();
  const body = new FormData();
  const begun = performance.now();
  body.append("files", file, file.name);
  view.bar.hidden = false;
  request.open("POST", target.address);
  request.setRequestHeader("Accept", "application/json");
  request.upload.onprogress = ({ loaded, total }) => {
    const speed = loaded / Math.max(performance.now() - begun, 1) * 1000;
    view.bar.value = loaded / total;
    if (loaded < total) {
      view.note.textContent = `${megabytes(loaded)} of ${megabytes(total)} MB, ${megabytes(speed)} MB/s`;
      return;
    }
    // The whole file is sent, so there is nothing left to cancel.
    view.note.textContent = "Checking…";
    if (document.activeElement === view.cancel) box.querySelector("[type=file]").focus();
    view.cancel.hidden = true;
  };
  let isCancelled = false;
  request.onabort = () => (isCancelled = true);
  view.cancel.onclick = () => request.abort();
  const end = new Promise((resolve) => (request.onloadend = resolve));
  request.send(body);
  await end;

  if (isCancelled) {
    drop(job);
    say(`${file.name} is cancelled.`);
    // The whole file may have arrived before the cancellation.
    document.dispatchEvent(new CustomEvent("docket:attached"));
  } else if (request.status === 201) {
    drop(job);
    document.dispatchEvent(new CustomEvent("docket:attached", { detail: file.name }));
  } else if (request.status === 0 && !(await canBeRead(file))) {
    fail(job, "It can’t be read: it is a folder, or it was moved or changed. Choose it again.", false);
  } else {
    if (request.status === 401) offerSignIn(view);
    fail(job, ...explain(request));
  }
};

const sendAll = async () => {
  if (sending || !target.address) return;
  sending = true;
  while (waiting.length) await send(waiting.shift());
  sending = false;
  const { whenSent } = target;
  if (!whenSent) return;
  const problems = [...failed.values()].map(({ text }) => text);
  failed.clear();
  target = {};
  whenSent(problems);
};

const queue = (job) => {
  const { view } = job;
  view.item.classList.remove("failed");
  view.bar.hidden = !target.address;
  view.bar.value = 0;
  view.note.textContent = `Waiting, ${size(job.file.size)}`;
  if (document.activeElement === view.retry) view.cancel.focus();
  view.retry.hidden = true;
  failed.delete(job);
  view.item.querySelector("a")?.remove();
  view.cancel.textContent = target.address ? "Cancel" : "Remove";
  view.cancel.setAttribute("aria-label", `${view.cancel.textContent} ${job.file.name}`);
  view.cancel.onclick = () => {
    waiting.splice(waiting.indexOf(job), 1);
    drop(job);
    say(`${job.file.name} is cancelled.`);
  };
  waiting.push(job);
  sendAll();
};

box.addEventListener("docket:add", (event) => {
  for (const file of event.detail) {
    const job = { file, view: line(file) };
    const reason = refusal(file);
    if (reason) fail(job, reason, false);
    else queue(job);
  }
});
box.addEventListener("docket:send", ({ detail }) => {
  target = detail;
  sendAll();
});

window.addEventListener("beforeunload", (event) => {
  if (sending || waiting.length || [...failed.values()].some(({ mayRetry }) => mayRetry)) event.preventDefault();
});
