// A dropped file never replaces the page. A page that does not accept files shows where to
// attach them.
const tellAboutFiles = () => !document.querySelector(".talk form.reply") && document.querySelector("[data-no-files]")?.removeAttribute("hidden");
const bringsFiles = (event) => !event.defaultPrevented && event.dataTransfer?.types.includes("Files");
window.addEventListener("dragover", (event) => bringsFiles(event) && event.preventDefault());
window.addEventListener("drop", (event) => {
  if (!bringsFiles(event)) return;
  event.preventDefault();
  tellAboutFiles();
});
window.addEventListener("paste", ({ clipboardData }) => {
  if (clipboardData?.files.length && !clipboardData.types.includes("text/plain")) tellAboutFiles();
});
