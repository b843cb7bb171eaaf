// Where files come from: dropped anywhere on the page, pasted, or chosen.

const form = document.querySelector("[data-upload]");
const input = form.querySelector("[type=file]");

const add = (files) => {
  document.querySelector("dialog[open]")?.close();
  form.dispatchEvent(new CustomEvent("docket:add", { detail: files }));
  form.scrollIntoView({ block: "nearest" });
};

input.addEventListener("change", () => {
  add([...input.files]);
  input.value = "";
});

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
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

// Every pasted picture is called image.png; the time tells them apart.
const named = (file) => {
  if (!/^image\.\w+$/.test(file.name)) return file;
  const now = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString();
  const name = `Pasted ${now.slice(0, 10)} ${now.slice(11, 19).replaceAll(":", ".")}${file.name.slice(5)}`;
  return new File([file], name, { type: file.type });
};

document.addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files];
  // Office programs put a picture beside the text that they copy: in a text field the text is meant.
  const textIsMeant = event.target.closest?.("textarea, input") && event.clipboardData.types.includes("text/plain");
  if (!files.length || textIsMeant) return;
  event.preventDefault();
  add(files.map(named));
});
