// Selecting tickets in a list: a range with Shift, the whole page, and how many are selected.

const form = document.querySelector("#bulk");
const count = form?.querySelector("[data-picked]");
const boxes = () => [...document.querySelectorAll("[data-rows] [name=numbers]")];

const tell = () => {
  if (!count) return;
  const picked = boxes().filter((box) => box.checked).length;
  count.textContent = `${picked} selected`;
};

// The box that was clicked last: Shift extends from there.
let last = null;
document.addEventListener("click", (event) => {
  const box = event.target;
  if (!box.matches?.("[data-rows] [name=numbers]")) return;
  const all = boxes();
  if (event.shiftKey && all.includes(last)) {
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
    for (const one of all.slice(from, to + 1)) one.checked = box.checked;
  }
  last = box;
  tell();
});

const page = form?.querySelector("[data-pick-page]");
if (page) {
  page.hidden = false;
  page.addEventListener("click", () => {
    const all = boxes();
    const isPicked = all.every((box) => box.checked);
    for (const box of all) box.checked = !isPicked;
    tell();
  });
}
// Browsers tick boxes again when a page comes back.
addEventListener("pageshow", tell);
tell();
