// Sends files, each by itself: its own bar, speed, cancel and retry, and the
// reason where one is not taken. pick.js brings them.

const form = document.querySelector("[data-upload]");
const AT_ONCE = 3;
const waiting = [];
let running = 0;

const say = (text) => document.dispatchEvent(new CustomEvent("docket:say", { detail: text }));
const megabytes = (bytes) => (bytes / 1_048_576).toFixed(1);

const line = (file) => {
  const item = form.querySelector("[data-upload-line]").content.firstElementChild.cloneNode(true);
  const part = (selector) => item.querySelector(selector);
  const view = { item, bar: part("progress"), note: part(".upload-note"), retry: part("[data-retry]"), cancel: part("[data-cancel]") };
  part(".upload-name").textContent = file.name;
  view.bar.setAttribute("aria-label", `Sending ${file.name}`);
  view.cancel.setAttribute("aria-label", `Cancel ${file.name}`);
  view.retry.setAttribute("aria-label", `Try ${file.name} again`);
  if (file.type.startsWith("image/")) {
    const face = part(".upload-face");
    face.src = URL.createObjectURL(file);
    face.onload = () => (face.hidden = false);
  }
  form.querySelector("[data-uploads]").append(item);
  return view;
};

const drop = ({ view }) => {
  URL.revokeObjectURL(view.item.querySelector(".upload-face").src);
  view.item.remove();
};

const fail = (job, message, mayRetry) => {
  const { file, view } = job;
  view.item.classList.add("failed");
  view.bar.hidden = true;
  view.note.textContent = message;
  view.cancel.textContent = "Hide";
  view.cancel.setAttribute("aria-label", `Hide ${file.name}`);
  view.cancel.onclick = () => drop(job);
  view.retry.hidden = !mayRetry;
  view.retry.onclick = () => queue(job);
  say(`${file.name}: ${message}`);
};

const refusal = (file) => {
  const endings = form.querySelector("[type=file]").accept.split(",").filter((one) => one.startsWith("."));
  if (!endings.some((ending) => file.name.toLowerCase().endsWith(ending))) return "This type of file is not taken.";
  if (file.size > Number(form.dataset.maxBytes)) return "The file is larger than 5 MB.";
  return file.size === 0 ? "The file is empty." : "";
};

// What to tell, and whether another try makes sense.
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

const send = (job) => {
  const { file, view } = job;
  const request = new XMLHttpRequest();
  const body = new FormData();
  const begun = performance.now();
  body.append("files", file, file.name);
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.upload.onprogress = ({ loaded, total }) => {
    const speed = loaded / Math.max(performance.now() - begun, 1) * 1000;
    view.bar.value = loaded / total;
    view.note.textContent = loaded < total ? `${megabytes(loaded)} of ${megabytes(total)} MB, ${megabytes(speed)} MB/s` : "Checking…";
  };
  request.onload = () => {
    if (request.status !== 201) return fail(job, ...explain(request));
    drop(job);
    say(`${file.name} is attached.`);
    document.dispatchEvent(new Event("docket:attached"));
  };
  request.onerror = () => fail(job, ...explain(request));
  request.onabort = () => {
    drop(job);
    say(`${file.name} is cancelled.`);
  };
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

const queue = (job) => {
  const { view } = job;
  view.item.classList.remove("failed");
  view.bar.hidden = false;
  view.bar.value = 0;
  view.note.textContent = "Waiting";
  view.retry.hidden = true;
  view.cancel.textContent = "Cancel";
  view.cancel.onclick = () => {
    waiting.splice(waiting.indexOf(job), 1);
    drop(job);
  };
  waiting.push(job);
  next();
};

form.addEventListener("docket:add", (event) => {
  for (const file of event.detail) {
    const job = { file, view: line(file) };
    const reason = refusal(file);
    if (reason) fail(job, reason, false);
    else queue(job);
  }
});

window.addEventListener("beforeunload", (event) => {
  if (running || waiting.length) event.preventDefault();
});
