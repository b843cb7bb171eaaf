// Where files come from: dropped anywhere on the page, pasted, or chosen.

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

// A picture of the page itself is dragged by accident, and it is here already.
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

// Every pasted picture is called image.png; time and number tell them apart.
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

// Office programs put a picture beside the text that they copy: in a text field the
// text is meant. File managers put the names, or paths, of the files that they copy.
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
