// Buttons that copy what stands in another element.
for (const button of document.querySelectorAll("[data-copies]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  const { textContent } = button;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copies);
    const copied = navigator.clipboard.writeText((field.value ?? field.textContent).trim());
    button.textContent = await copied.then(() => "Copied", () => "Copying failed");
    setTimeout(() => (button.textContent = textContent), 3000);
  });
}
