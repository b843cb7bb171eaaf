// Keeps "12 min" true while a page is open, in the words of src/web/when.rs. Older times
// are dates, which stay.
const words = (seconds) => {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h`;
  const days = Math.floor(hours / 24);
  return days < 7 ? `${days} d` : null;
};
setInterval(() => {
  for (const line of document.querySelectorAll("time > [data-ago]")) {
    const text = words((Date.now() - Date.parse(line.parentElement.dateTime)) / 1000);
    if (text && line.textContent !== text) line.textContent = text;
  }
}, 60_000);
