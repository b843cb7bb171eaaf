// Sources of files: dropped anywhere on the page, pasted, or chosen.

const box = document.querySelector("[data-upload]");
const input = box.querySelector("[type=file]");

const add = (files) => {
  document.querySelector("dialog[open]")?.close();
  box.dispatchEvent(new CustomEvent("docket:add", { detail: files }));
  box.scrollIntoView({ block: "nearest" });
};

input.addEventListener("change", () => {
  add([...input.files]);
  input.value = "";
});

// Ignores pictures dragged from this page: that happens by accident.
let isOurs = false;
document.addEventListener("dragstart", () => (isOurs = true));
document.addEventListener("dragend", () => (isOurs = false));

const hasFiles = (event) => !isOurs && event.dataTransfer?.types.includes("Files");
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

// Every pasted picture is called image.png, so names them by time and number.
const names = new Set();
const named = (file) => {
  if (!/^image\.\w+$/.test(file.name)) return file;
  const now = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString();
  const start = `Pasted ${now.slice(0, 10)} ${now.slice(11, 19).replaceAll(":", ".")}`;
  const ending = file.name.slice(5);
  let name = start + ending;
  for (let number = 2; names.has(name); number++) name = `${start} (${number})${ending}`;
  names.add(name);
  return new File([file], name, { type: file.type });
};

// Office programs copy text together with a picture of it: in a text field, the user wants
// the text. File managers copy files together with their names or paths.
const stem = (name) => name.normalize().replace(/\.\w+$/, "");
const decoded = (line) => (line.startsWith("file:") ? decodeURIComponent(line) : line);
const isOfFiles = (text, files) => {
  const stems = files.map((file) => stem(file.name));
  const lines = text.split(/[\r\n]+/).filter((line) => line.trim());
  return lines.every((line) => stems.includes(stem(decoded(line.trim()).split(/[/\\]/).at(-1))));
};

document.addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files];
  const inField = event.target.closest?.("textarea, input");
  if (!files.length || (inField && !isOfFiles(event.clipboardData.getData("text/plain"), files))) return;
  event.preventDefault();
  add(files.map(named));
});
