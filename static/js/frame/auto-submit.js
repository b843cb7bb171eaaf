// A list that changes something is sent as soon as something is chosen by hand.
// Keys go through its values one by one, so with them the button comes back.
const listOf = (event) => event.target.matches("select") && event.target.closest("form[data-auto-submit]");
document.addEventListener("keydown", (event) => {
  if (event.key !== "Tab" && event.key !== "Shift") listOf(event) && listOf(event).classList.add("by-key");
});
document.addEventListener("pointerdown", (event) => listOf(event) && listOf(event).classList.remove("by-key"));
document.addEventListener("change", (event) => {
  const form = listOf(event);
  if (form && !form.classList.contains("by-key")) form.requestSubmit();
});
