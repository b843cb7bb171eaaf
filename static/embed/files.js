// Files of messages. Only this page has their bytes: localStorage keeps their names.

const MOST_FILES = 5;
const LOST = 200_000; // longer than sending takes

let chosen = []; // for the next message
const filesOf = new Map(); // of messages that are being sent, by id

const hasFiles = ({ id, files }) => !files?.length || filesOf.has(id);

// Another tab may still be sending it.
const isLost = (message) => !hasFiles(message) && Date.now() - Date.parse(message.at) > LOST;

const choose = (files) => {
  chosen = files.slice(0, MOST_FILES);
  const item = (file) => {
    const remove = make("button", { type: "button", "aria-label": `${texts.removeFile} ${file.name}` }, icon("M6 6l12 12M18 6L6 18"));
    on(remove, "click", () => {
      choose(chosen.filter((other) => other !== file));
      view.area.focus();
    });
    return make("li", { dir: "auto" }, make("span", {}, file.name), remove);
  };
  view.chosen.replaceChildren(...chosen.map(item));
  view.chosen.hidden = chosen.length === 0;
  view.picker.value = "";
};

const addFiles = (list) => list.length && choose([...chosen, ...list]);

// A blob, because the address alone gives access to nothing.
const fetched = async (path) => URL.createObjectURL(await (await call(path)).blob());

const download = async ({ id, name }) => {
  try {
    const href = await fetched(`files/${id}?download=1`);
    make("a", { href, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  } catch (error) {
    trouble(error);
  }
};

const drawFile = (file) => {
  const { id, name, hasThumbnail } = file;
  // Its message is still being sent.
  if (!id) return make("li", { dir: "auto" }, name);
  const button = make("button", { type: "button", dir: "auto" }, name);
  on(button, "click", () => download(file));
  if (hasThumbnail) {
    const image = make("img", { alt: "" });
    // The page's policy may allow no blobs; then the name remains.
    on(image, "error", () => image.remove());
    fetched(`files/${id}/thumbnail`).then((src) => {
      on(image, "load", keepEnd);
      image.src = src;
      button.prepend(image);
    }, () => {});
  }
  return make("li", {}, button);
};

const showFiles = (drawn, { files = [], position }) => {
  const said = `${position} ${files.length}`;
  if (drawn.filesSaid === said) return;
  drawn.filesSaid = said;
  drawn.files.hidden = files.length === 0;
  drawn.files.replaceChildren(...files.map(drawFile));
};
