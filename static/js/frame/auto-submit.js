// Submits a list's form as soon as the user chooses a value with the pointer. Keys step
// through the values one by one, so keyboard users get the button instead.
const listOf = (event) => event.target.matches("select") && event.target.closest("form[data-auto-submit]");
document.addEventListener("keydown", (event) => {
  if (event.key !== "Tab" && event.key !== "Shift") listOf(event) && listOf(event).classList.add("by-key");
});
document.addEventListener("pointerdown", (event) => listOf(event) && listOf(event).classList.remove("by-key"));
document.addEventListener("change", (event) => {
  const form = listOf(event);
  if (form && !form.classList.contains("by-key")) form.requestSubmit();
});
