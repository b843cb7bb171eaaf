// Announces changes away from the focus, grouped if they happen at the same time.
let news = [];
const announce = () => {
  if (news.length) document.querySelector("[data-file-status]").textContent = news.join(" ");
  news = [];
};
document.addEventListener("docket:say", ({ detail }) => {
  news.push(detail);
  setTimeout(announce, 500);
});
