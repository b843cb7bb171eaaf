// A larger view of a ticket's pictures, with arrow keys, swipes and Escape. With a modifier
// key or without scripts, the picture opens as a separate page.

const dialog = document.querySelector("[data-viewer]");
const shown = dialog.querySelector("[data-shown]");
const pictures = () => [...document.querySelectorAll("a[data-picture]")];
let at = 0;

const show = (index) => {
  const all = pictures();
  if (!all.length) return dialog.close();
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

// One finger swipes. Two fingers, or one on a zoomed picture, move the picture.
let begun = null;
dialog.addEventListener("touchstart", (event) => {
  begun = event.touches.length === 1 && visualViewport.scale === 1 ? event.touches[0] : null;
}, { passive: true });
dialog.addEventListener("touchend", (event) => {
  if (!begun) return;
  const across = event.changedTouches[0].clientX - begun.clientX;
  const down = event.changedTouches[0].clientY - begun.clientY;
  if (Math.abs(across) > 60 && Math.abs(across) > 2 * Math.abs(down)) show(at - Math.sign(across));
  begun = null;
});

dialog.addEventListener("close", () => {
  shown.removeAttribute("src");
  pictures()[at]?.focus();
});
