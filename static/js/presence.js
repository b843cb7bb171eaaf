// Shows which colleagues are viewing this page or writing on it, and reports our own
// presence. Nothing is locked: people coordinate themselves.

const line = document.querySelector("[data-place]");
const { place, presence } = line.dataset;
const me = Number(document.body.dataset.user);
const AGAIN = 20_000;

const show = (people) => {
  const others = people.filter((person) => person.id !== me);
  const names = (editing) => others.filter((person) => person.editing === editing).map((person) => person.name);
  const say = (list, one, many) => list.length && `${list.join(", ")} ${list.length === 1 ? one : many}`;
  const parts = [
    say(names(true), "is writing here", "are writing here"),
    say(names(false), "is also viewing this", "are also viewing this"),
  ];
  const text = parts.filter(Boolean).join(" · ");
  if (line.textContent !== text) line.textContent = text;
};

// A user with unsaved text in a field is writing.
const fields = "main textarea:not([readonly]), main input:not([type=search], [type=hidden], [type=file])";
const isEditing = () => [...document.querySelectorAll(fields)].some((field) => field.value !== field.defaultValue);
let editing = false;
const body = (doing) => new URLSearchParams({ place, doing });
const announce = async () => {
  if (document.hidden) return;
  editing = isEditing();
  const doing = editing ? "editing" : "looking";
  const answer = await fetch(presence, { method: "POST", body: body(doing) }).catch(() => null);
  if (answer?.ok) show(await answer.json());
};
const leave = () => navigator.sendBeacon(presence, body("gone"));

document.addEventListener("input", () => editing !== isEditing() && announce());
document.addEventListener("visibilitychange", () => (document.hidden ? leave() : announce()));
addEventListener("pagehide", leave);
addEventListener("pageshow", (event) => event.persisted && announce());
document.addEventListener("docket:live", ({ detail }) => {
  if (detail.name === "presence" && detail.place === place) show(detail.people);
  if (detail.name === "resync") announce();
});
setInterval(announce, AGAIN);
announce();
