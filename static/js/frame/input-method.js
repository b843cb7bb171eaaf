// Keeps keys that belong to an input method from all our listeners. This listener must run
// first. Safari marks the last key only by 229.
window.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) event.stopImmediatePropagation();
}, { capture: true });
