// Keys that belong to an input method reach none of our listeners, in no script:
// this one comes before all others. Safari marks the last one by 229 alone.
window.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) event.stopImmediatePropagation();
}, { capture: true });
