// Menus close on Escape and on a click elsewhere.
const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("[data-menu][open]")) if (menu !== except) menu.open = false;
};
document.addEventListener("click", (event) => closeMenus(event.target.closest("[data-menu]")));
document.addEventListener("focusin", (event) => closeMenus(event.target.closest("[data-menu]")));
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && document.querySelector("[data-menu][open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});
