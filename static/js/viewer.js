// A larger view of the pictures of a ticket: arrow keys, swipes, Escape. With a
// modifier key, or without scripts, the picture opens as a page of its own.

const dialog = document.querySelector("[data-viewer]");
const shown = dialog.querySelector("[data-shown]");
const pictures = () => [...document.querySelectorAll("a[data-picture]")];
let at = 0;

const show = (index) => {
  const all = pictures();
  at = (index + all.length) % all.length;
  const { href, dataset } = all[at];
  shown.src = href;
  shown.alt = dataset.picture;
  dialog.querySelector("[data-original]").href = href;
  dialog.querySelector("[data-name]").textContent =
    all.length > 1 ? `${dataset.picture} (${at + 1} of ${all.length})` : dataset.picture;
  for (const button of dialog.querySelectorAll("[data-step]")) button.hidden = all.length < 2;
};

document.addEventListener("click", (event) => {
  const picture = event.target.closest("a[data-picture]");
  if (!picture || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(pictures().indexOf(picture));
  dialog.showModal();
});

dialog.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step) show(at + step);
});
dialog.addEventListener("click", (event) => {
  const step = event.target.closest("[data-step]");
  if (step) show(at + Number(step.dataset.step));
  else if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
});

let begun = 0;
dialog.addEventListener("touchstart", (event) => (begun = event.changedTouches[0].clientX), { passive: true });
dialog.addEventListener("touchend", (event) => {
  const moved = event.changedTouches[0].clientX - begun;
  if (Math.abs(moved) > 60) show(at - Math.sign(moved));
});

dialog.addEventListener("close", () => {
  shown.removeAttribute("src");
  pictures()[at]?.focus();
});
