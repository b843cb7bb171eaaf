// What happens away from the focus is announced, all of one moment together.
let news = [];
const announce = () => {
  if (news.length) document.querySelector("[data-file-status]").textContent = news.join(" ");
  news = [];
};
document.addEventListener("docket:say", ({ detail }) => {
  news.push(detail);
  setTimeout(announce, 500);
});
